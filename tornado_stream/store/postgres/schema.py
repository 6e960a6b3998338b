"""The statements of the migrations of PostgreSQL.

The rule: a released statement is never changed.
"""

from __future__ import annotations

from tornado_stream.store.spend import SUMS

#: All tables share one sequence, so a row that was written later has a higher `seq`. A generation
#: has the `seq` of its answer. Ids, owners and folded texts are compared by their bytes.
TABLES = f"""
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE SEQUENCE numbers CACHE 1;

CREATE TABLE instances (
    name text COLLATE "C" PRIMARY KEY,
    renewed bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE conversations (
    seq bigint PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL UNIQUE,
    updated_seq bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    current_id text COLLATE "C",
    title text NOT NULL,
    system text,
    model text,
    options text,
    preset text,
    pinned boolean NOT NULL DEFAULT false,
    archived boolean NOT NULL DEFAULT false,
    folder text COLLATE "C",
    message_count bigint NOT NULL DEFAULT 0,
    size bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 80);
CREATE INDEX conversations_by_write ON conversations (owner, updated_seq);
CREATE INDEX conversations_by_place ON conversations (owner, archived, folder, updated_seq);
CREATE INDEX conversations_pinned ON conversations (owner, updated_seq) WHERE pinned;

CREATE TABLE messages (
    seq bigint PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL UNIQUE,
    conversation_id text COLLATE "C" NOT NULL,
    parent_id text COLLATE "C",
    role text NOT NULL,
    content text NOT NULL,
    created_at bigint NOT NULL,
    reasoning text NOT NULL,
    refusal text NOT NULL,
    tool_calls text,
    model text,
    state text COLLATE "C",
    finish_reason text,
    usage text,
    error text,
    timings text,
    generation_id text COLLATE "C",
    continued_from text COLLATE "C",
    upstream text,
    cost text,
    sources text NOT NULL DEFAULT '[]',
    signed text,
    sent text,
    files text NOT NULL DEFAULT '[]',
    slot bigint NOT NULL DEFAULT 0
);
CREATE INDEX messages_by_conversation ON messages (conversation_id, seq);
CREATE UNIQUE INDEX messages_running ON messages (conversation_id, slot)
    WHERE state = 'running';

CREATE TABLE generations (
    seq bigint PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL UNIQUE,
    fingerprint bytea NOT NULL,
    instance text COLLATE "C" NOT NULL,
    running boolean NOT NULL DEFAULT true,
    stop_asked boolean NOT NULL DEFAULT false
);
CREATE INDEX generations_running ON generations (instance) WHERE running;

CREATE TABLE flushes (
    generation bigint NOT NULL,
    first integer NOT NULL,
    last integer NOT NULL,
    frames bytea NOT NULL,
    PRIMARY KEY (generation, first)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 20000);

CREATE TABLE logs (
    generation bigint PRIMARY KEY,
    last integer NOT NULL,
    frames bytea NOT NULL
);

ALTER TABLE flushes ALTER frames SET STORAGE EXTERNAL;
ALTER TABLE logs ALTER frames SET STORAGE EXTERNAL;

CREATE TABLE texts (
    seq bigint PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    conversation_id text COLLATE "C" NOT NULL,
    message_id text COLLATE "C",
    folded text COLLATE "C" NOT NULL
);
CREATE INDEX texts_by_owner ON texts (owner, seq);
CREATE INDEX texts_by_conversation ON texts (conversation_id, seq);
CREATE INDEX texts_trigrams ON texts USING gin (folded gin_trgm_ops);

CREATE TABLE files (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL UNIQUE,
    sha256 text COLLATE "C" NOT NULL,
    size bigint NOT NULL,
    type text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    uploaded_at bigint NOT NULL,
    state text NOT NULL,
    detail text NOT NULL,
    tokens bigint NOT NULL,
    pages integer,
    pages_read integer,
    shortened integer NOT NULL DEFAULT 0,
    text text NOT NULL DEFAULT '',
    UNIQUE (owner, sha256)
);
CREATE INDEX files_by_bytes ON files (sha256);
CREATE INDEX files_unread ON files (seq) WHERE state = 'reading';
CREATE TABLE message_files (
    seq bigint PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    message bigint NOT NULL,
    file bigint NOT NULL
);
CREATE INDEX message_files_by_message ON message_files (message);
CREATE INDEX message_files_by_file ON message_files (file);
CREATE TABLE removed_files (sha256 text COLLATE "C" PRIMARY KEY);

CREATE TABLE spend (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    instance text COLLATE "C",
    began_at bigint NOT NULL,
    ended_at bigint,
    state text,
    model text,
    upstream text,
    prompt bigint,
    cached bigint,
    completion bigint,
    amount bigint,
    currency text,
    estimated integer NOT NULL DEFAULT 0
);
CREATE INDEX spend_by_id ON spend (id);
CREATE INDEX spend_open ON spend (instance) WHERE state IS NULL;

CREATE TABLE spend_days (
    owner text COLLATE "C" NOT NULL,
    day bigint NOT NULL,
    upstream text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    {", ".join(f"{name} bigint NOT NULL" for name in SUMS)},
    PRIMARY KEY (owner, day, upstream, model, currency)
) WITH (fillfactor = 50);

CREATE TABLE presets (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL UNIQUE,
    version integer NOT NULL,
    name text NOT NULL,
    data text NOT NULL
);
CREATE INDEX presets_by_owner ON presets (owner);

CREATE TABLE defaults (
    owner text COLLATE "C" PRIMARY KEY,
    version integer NOT NULL,
    system text NOT NULL,
    options text NOT NULL
);

CREATE TABLE waiting (
    conversation_id text COLLATE "C" PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    request_id text COLLATE "C" NOT NULL UNIQUE,
    version integer NOT NULL,
    message text NOT NULL,
    model text,
    options text NOT NULL
);

CREATE TABLE sessions (
    id text COLLATE "C" PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    proof bytea NOT NULL,
    expires_at bigint NOT NULL,
    created_at bigint NOT NULL,
    address text NOT NULL,
    agent text NOT NULL
);
CREATE TABLE last_uses (id text COLLATE "C" PRIMARY KEY, used_at bigint NOT NULL);
"""

#: Small files that all servers have a copy of.
SHARED_FILES = """
CREATE TABLE shared_files (name text COLLATE "C" PRIMARY KEY, content bytea NOT NULL);
"""

#: Shared links (values/shares.py).
SHARES = """
CREATE TABLE shares (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL UNIQUE,
    digest text COLLATE "C" NOT NULL UNIQUE,
    conversation_id text COLLATE "C" NOT NULL,
    leaf_id text COLLATE "C" NOT NULL,
    live boolean NOT NULL,
    with_files boolean NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint
);
CREATE INDEX shares_by_owner ON shares (owner);
CREATE INDEX shares_by_conversation ON shares (conversation_id);
"""

#: Calls of tools under way, and the parts of answers that have some.
CALLS = """
CREATE TABLE calls (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    generation_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    data text NOT NULL,
    UNIQUE (generation_id, id)
);
ALTER TABLE messages ADD COLUMN parts text NOT NULL DEFAULT '[]';
CREATE INDEX messages_with_parts ON messages (id) WHERE parts <> '[]';
"""

#: What all servers count together: the running answers of a user, and tries to log in.
SHARED_COUNTS = """
CREATE INDEX spend_open_by_owner ON spend (owner) WHERE state IS NULL;
CREATE TABLE tries (
    key bytea PRIMARY KEY,
    count integer NOT NULL,
    due timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX tries_by_due ON tries (due);
"""

#: The servers of tools that a conversation may use, as JSON.
TOOLS = "ALTER TABLE conversations ADD COLUMN tools text;"

#: The tools that run unasked in a conversation, as JSON.
ALWAYS = "ALTER TABLE conversations ADD COLUMN always text NOT NULL DEFAULT '[]';"

#: The files of waiting questions. `uploaded_at` is that of the file when the question got it. The
#: references keep a server of the version before from taking a question away without its files.
WAITING_FILES = """
CREATE TABLE waiting_files (
    conversation_id text COLLATE "C" NOT NULL
        REFERENCES waiting (conversation_id) DEFERRABLE INITIALLY DEFERRED,
    place integer NOT NULL,
    owner text COLLATE "C" NOT NULL,
    file bigint NOT NULL REFERENCES files (seq),
    uploaded_at bigint NOT NULL,
    PRIMARY KEY (conversation_id, place)
);
CREATE INDEX waiting_files_by_file ON waiting_files (file);
"""
