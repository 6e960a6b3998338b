/* A disk that forgets at a power failure what was not synced, as a library for LD_PRELOAD.

   $FORGET is a directory of files. $KEPT is a second directory: what the disk would still have. A
   write goes to the file in $FORGET alone. fsync and fdatasync copy what was written since the last
   one to the file of the same name in $KEPT. Names are kept at once, as by a journal.  */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 64
#define DESCRIPTORS 4096
/* Microseconds, as of a slow disk, so that a kill often comes before a sync is done.  */
#define SYNC_LASTS 20000

struct range { off_t begin, end; };
struct file {
    dev_t device; ino_t inode;
    char name[256];
    struct range *dirty;
    size_t count, room;
};

static struct file files[FILES];
static struct file *opened[DESCRIPTORS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static const char *name_of(const char *path) {
    const char *folder = getenv("FORGET");
    size_t length = folder ? strlen(folder) : 0;
    if (!length || strncmp(path, folder, length) || path[length] != '/') return NULL;
    const char *name = path + length + 1, *dash = strrchr(name, '-');
    if (!*name || strchr(name, '/') || (dash && !strcmp(dash, "-shm"))) return NULL;
    return name;
}

static char *kept_path(char *buffer, size_t size, const char *name) {
    snprintf(buffer, size, "%s/%s", getenv("KEPT"), name);
    return buffer;
}

static void note_open(int fd, const char *path) {
    const char *name = name_of(path);
    struct stat status;
    if (fd < 0 || fd >= DESCRIPTORS) return;
    pthread_mutex_lock(&mutex);
    opened[fd] = NULL;
    if (name && !fstat(fd, &status) && S_ISREG(status.st_mode)) {
        for (int i = 0; i < FILES; i++) {
            struct file *file = &files[i];
            int same = file->device == status.st_dev && file->inode == status.st_ino;
            if (same && strcmp(file->name, name)) continue;
            if (same || !file->inode) {
                file->device = status.st_dev, file->inode = status.st_ino;
                snprintf(file->name, sizeof file->name, "%s", name);
                opened[fd] = file;
                break;
            }
        }
    }
    pthread_mutex_unlock(&mutex);
}

static void note_write(int fd, off_t begin, size_t length) {
    struct file *file = fd >= 0 && fd < DESCRIPTORS ? opened[fd] : NULL;
    if (!file) return;
    pthread_mutex_lock(&mutex);
    struct range *last = file->count ? &file->dirty[file->count - 1] : NULL;
    if (last && last->end == begin) last->end += length;
    else {
        if (file->count == file->room) {
            file->room = file->room * 2 + 64;
            file->dirty = realloc(file->dirty, file->room * sizeof *file->dirty);
        }
        file->dirty[file->count++] = (struct range){begin, begin + (off_t)length};
    }
    pthread_mutex_unlock(&mutex);
}

static ssize_t real_pwrite(int fd, const void *data, size_t length, off_t at) {
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    return real(fd, data, length, at);
}

static int real_open(const char *path, int flags, mode_t mode) {
    REAL(int, open, const char *, int, ...);
    return real(path, flags, mode);
}

static int real_truncate(int fd, off_t length) {
    REAL(int, ftruncate, int, off_t);
    return real(fd, length);
}

static void keep(int fd) {
    struct file *file = fd >= 0 && fd < DESCRIPTORS ? opened[fd] : NULL;
    char path[4096], data[65536];
    struct stat status;
    if (!file || fstat(fd, &status)) return;
    pthread_mutex_lock(&mutex);
    int kept = real_open(kept_path(path, sizeof path, file->name), O_RDWR | O_CREAT, 0600);
    for (size_t i = 0; kept >= 0 && i < file->count; i++) {
        for (off_t at = file->dirty[i].begin; at < file->dirty[i].end;) {
            size_t length = (size_t)(file->dirty[i].end - at);
            ssize_t got = pread(fd, data, length < sizeof data ? length : sizeof data, at);
            if (got <= 0) break;
            real_pwrite(kept, data, (size_t)got, at);
            at += got;
        }
    }
    if (kept >= 0) {
        real_truncate(kept, status.st_size);
        close(kept);
        file->count = 0;
    }
    pthread_mutex_unlock(&mutex);
}

#define OPEN(function) \
    int function(const char *path, int flags, ...) { \
        REAL(int, function, const char *, int, ...); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        int fd = real(path, flags, mode); \
        note_open(fd, path); \
        return fd; \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(function) \
    int function(int folder, const char *path, int flags, ...) { \
        REAL(int, function, int, const char *, int, ...); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        int fd = real(folder, path, flags, mode); \
        note_open(fd, path); \
        return fd; \
    }
OPENAT(openat)
OPENAT(openat64)

#define PWRITE(function) \
    ssize_t function(int fd, const void *data, size_t length, off_t at) { \
        REAL(ssize_t, function, int, const void *, size_t, off_t); \
        ssize_t written = real(fd, data, length, at); \
        if (written > 0) note_write(fd, at, (size_t)written); \
        return written; \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

ssize_t write(int fd, const void *data, size_t length) {
    REAL(ssize_t, write, int, const void *, size_t);
    int known = fd >= 0 && fd < DESCRIPTORS && opened[fd];
    off_t at = known ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t written = real(fd, data, length);
    if (known && written > 0) note_write(fd, at, (size_t)written);
    return written;
}

#define SYNC(function) \
    int function(int fd) { \
        REAL(int, function, int); \
        if (fd >= 0 && fd < DESCRIPTORS && opened[fd]) usleep(SYNC_LASTS); \
        int status = real(fd); \
        if (!status) keep(fd); \
        return status; \
    }
SYNC(fsync)
SYNC(fdatasync)

int close(int fd) {
    REAL(int, close, int);
    if (fd >= 0 && fd < DESCRIPTORS) opened[fd] = NULL;
    return real(fd);
}

int unlink(const char *path) {
    REAL(int, unlink, const char *);
    char kept[4096];
    int status = real(path);
    if (!status && name_of(path)) real(kept_path(kept, sizeof kept, name_of(path)));
    return status;
}

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    char before[4096], after[4096];
    int status = real(from, to);
    if (!status && name_of(from) && name_of(to))
        real(kept_path(before, sizeof before, name_of(from)),
             kept_path(after, sizeof after, name_of(to)));
    return status;
}
