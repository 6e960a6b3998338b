"""Package metadata. The version is read from the package's source; the package is not imported."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "tornado_stream/__init__.py").read_text())[1]

# The local model's runtime has wheels for these platforms. Elsewhere pip would compile it.
LOCAL = (
    'xllamacpp>=2026.10,<2027; (sys_platform == "linux" and (platform_machine == "x86_64" or '
    'platform_machine == "aarch64")) or sys_platform == "darwin" or '
    '(sys_platform == "win32" and platform_machine == "AMD64")'
)

# Checks the argon2 hashes that earlier versions stored, until the next login of each user replaces
# them with scrypt hashes. The extra `auth` will be removed in the release after this one.
AUTH = "argon2-cffi>=23.1,<26"
# The store over PostgreSQL (`--database`).
POSTGRES = "asyncpg>=0.30,<0.33"

setup(
    name="tornado-stream",
    version=VERSION,
    description="A streaming chat server that never loses, repeats or double-bills a token",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=find_packages(include=["tornado_stream", "tornado_stream.*"]),
    package_data={
        "tornado_stream": [
            "py.typed",
            "templates/*.html",
            "static/**/*",
            "providers/*.toml",
            "handlers/*.json",
        ]
    },
    install_requires=["tornado>=6.6.1,<7", "orjson>=3.10,<4", "httptools>=0.7,<1"],
    extras_require={
        "auth": [AUTH],
        "files": ["pypdfium2>=5.15,<6"],  # takes the text out of PDFs
        "local": [LOCAL],
        "postgres": [POSTGRES],
        "tools": ["mcp>=2.3,<3"],  # speaks with servers of tools
        "metrics": [],  # needs no package any more; an old install command still works
        "test": [
            AUTH,
            POSTGRES,
            "axe-playwright-python>=0.1.8,<0.2",
            "coverage>=7",
            "hypothesis>=6",
            "mypy>=2.4,<3",
            "playwright>=1.60,<2",
            "prometheus_client>=0.22,<1",  # to compare its output with that of `GET /metrics`
            "pytest>=8,<10",
            "pytest-timeout>=2.4,<3",
            "pytest-tornado>=0.8.1,<0.9",
            "pytest-xdist>=3.6,<4",
            "pyyaml>=6,<7",
            "ruff==0.17.6",
            "schemathesis>=4.32,<5",  # compares the server with `GET /openapi.json`
            # pytest-tornado 0.8.1 imports pkg_resources, which later setuptools do not have.
            "setuptools>=70.1,<81",
        ],
    },
    entry_points={"console_scripts": ["tornado-stream = tornado_stream.start:main"]},
    classifiers=[
        "Topic :: Communications :: Chat",
        "License :: OSI Approved :: MIT License",
        "Programming Language :: Python :: 3",
        "Typing :: Typed",
    ],
)
