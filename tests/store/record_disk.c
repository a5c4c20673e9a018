/* A preload library for tests: records every write and sync of files under a folder, in order.
 *
 * POC_DISK_FOLDER: the folder whose files are recorded. POC_DISK_JOURNAL: the journal, outside of it.
 * One record: op (u8), path length (u16), offset (u64), length (u64), path, data; little-endian.
 * Ops: 'w' data at offset, 't' truncated to offset, 's' synced, 'u' unlinked, 'c' created, 'd' folder synced.
 * What a process writes by a shared mapping is not seen: SQLite's -shm file, which a reopening makes anew.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define NAMES 4096
static char *names[NAMES];
static int journal = -1;
static const char *folder;
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static int real_open(const char *path, int flags, int mode) {
    REAL(int, "open", const char *, int, ...);
    return real(path, flags, mode);
}

static ssize_t real_write(int fd, const void *data, size_t length) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return real(fd, data, length);
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("POC_DISK_JOURNAL");
    folder = getenv("POC_DISK_FOLDER");
    if (path && folder) journal = real_open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
}

static void record(char op, const char *path, uint64_t offset, const void *data, uint64_t length) {
    unsigned char head[19];
    uint16_t size = (uint16_t)strlen(path);
    head[0] = (unsigned char)op;
    memcpy(head + 1, &size, 2);
    memcpy(head + 3, &offset, 8);
    memcpy(head + 11, &length, 8);
    struct iovec parts[3] = {{head, 19}, {(void *)path, size}, {(void *)data, data ? length : 0}};
    pthread_mutex_lock(&one);
    if (writev(journal, parts, 3) < 0) abort();
    pthread_mutex_unlock(&one);
}

static const char *inside(const char *path) {
    size_t length = folder ? strlen(folder) : 0;
    return journal >= 0 && path && !strncmp(path, folder, length) && (path[length] == '/' || !path[length])
        ? path : NULL;
}

static const char *name_of(int fd) {
    return fd >= 0 && fd < NAMES && journal >= 0 ? names[fd] : NULL;
}

static int opened(int fd, const char *path, int was_there, int flags) {
    if (fd < 0 || fd >= NAMES || !inside(path)) return fd;
    free(names[fd]);
    names[fd] = strdup(path);
    if (!was_there) record('c', path, 0, NULL, 0);
    if (flags & O_TRUNC) record('t', path, 0, NULL, 0);
    return fd;
}

static int there(const char *path) {
    struct stat found;
    return inside(path) ? stat(path, &found) == 0 : 1;
}

int open(const char *path, int flags, ...) {
    va_list more; va_start(more, flags); int mode = va_arg(more, int); va_end(more);
    int was_there = there(path);
    return opened(real_open(path, flags, mode), path, was_there, flags);
}

int open64(const char *path, int flags, ...) {
    va_list more; va_start(more, flags); int mode = va_arg(more, int); va_end(more);
    int was_there = there(path);
    return opened(real_open(path, flags | O_LARGEFILE, mode), path, was_there, flags);
}

int close(int fd) {
    REAL(int, "close", int);
    if (fd >= 0 && fd < NAMES && names[fd]) { free(names[fd]); names[fd] = NULL; }
    return real(fd);
}

ssize_t write(int fd, const void *data, size_t length) {
    ssize_t done = real_write(fd, data, length);
    const char *path = name_of(fd);
    if (path && done > 0) record('w', path, (uint64_t)(lseek(fd, 0, SEEK_CUR) - done), data, (uint64_t)done);
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    ssize_t done = real(fd, data, length, offset);
    const char *path = name_of(fd);
    if (path && done > 0) record('w', path, (uint64_t)offset, data, (uint64_t)done);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    return pwrite64(fd, data, length, offset);
}

int ftruncate64(int fd, off64_t length) {
    REAL(int, "ftruncate64", int, off64_t);
    int done = real(fd, length);
    const char *path = name_of(fd);
    if (path && !done) record('t', path, (uint64_t)length, NULL, 0);
    return done;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static void synced(int fd) {
    const char *path = name_of(fd);
    struct stat found;
    if (path) record(fstat(fd, &found) == 0 && S_ISDIR(found.st_mode) ? 'd' : 's', path, 0, NULL, 0);
}

int fsync(int fd) {
    REAL(int, "fsync", int);
    int done = real(fd);
    if (!done) synced(fd);
    return done;
}

int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    int done = real(fd);
    if (!done) synced(fd);
    return done;
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    int done = real(path);
    if (!done && inside(path)) record('u', path, 0, NULL, 0);
    return done;
}
