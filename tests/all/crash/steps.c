// Counts what a program does to the files below one folder, and ends it with SIGKILL at a given step: loaded before the C library
// (LD_PRELOAD), so that no step can be forgotten. A step is a call that changes a file, its size, its name or what of it is durable.
// A write that is the last step is done by half, as it may be when a computer stops.
//
// CRASH_FOLDER   the folder
// CRASH_AT       the step, from 1; without it, or with 0, the program lives
// CRASH_COUNT    a file that is told the number of steps when the program ends in order
//
// They are taken out of the environment: what the program starts counts nothing.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char folder[PATH_MAX];
static size_t folder_length;
static char count_file[PATH_MAX];
static long at;
static atomic_long steps;
static pid_t own;

static void take(const char *name, char *to) {
    const char *value = getenv(name);
    if (value != NULL) {
        snprintf(to, PATH_MAX, "%s", value);
        unsetenv(name);
    }
}

__attribute__((constructor)) static void begin(void) {
    char number[PATH_MAX] = "";
    take("CRASH_FOLDER", folder);
    take("CRASH_COUNT", count_file);
    take("CRASH_AT", number);
    unsetenv("LD_PRELOAD");
    at = atol(number);
    folder_length = strlen(folder);
    own = getpid();
}

__attribute__((destructor)) static void end(void) {
    if (count_file[0] != '\0' && getpid() == own) {
        FILE *file = fopen(count_file, "w");
        if (file != NULL) {
            fprintf(file, "%ld\n", atomic_load(&steps));
            fclose(file);
        }
    }
}

static int below(const char *path) {
    return folder_length > 0 && strncmp(path, folder, folder_length) == 0 && path[folder_length] == '/';
}

static int is_ours(int fd) {
    char link[64], path[PATH_MAX];
    if (folder_length == 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = '\0';
    return below(path);
}

// Whether this is the last step.
static int step(void) {
    return getpid() == own && atomic_fetch_add(&steps, 1) + 1 == at;
}

static void stop(void) {
    kill(own, SIGKILL);
    for (;;) pause();
}

#define REAL(name, result, ...) \
    static result (*real)(__VA_ARGS__); \
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, name)

#define STEP_AT_PATH(path) do { if (below(path) && step()) stop(); } while (0)
#define STEP_AT_FD(fd) do { if (is_ours(fd) && step()) stop(); } while (0)

ssize_t write(int fd, const void *bytes, size_t length) {
    REAL("write", ssize_t, int, const void *, size_t);
    if (is_ours(fd) && step()) {
        real(fd, bytes, length / 2);
        stop();
    }
    return real(fd, bytes, length);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    REAL("pwrite", ssize_t, int, const void *, size_t, off_t);
    if (is_ours(fd) && step()) {
        real(fd, bytes, length / 2, offset);
        stop();
    }
    return real(fd, bytes, length, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    REAL("pwrite64", ssize_t, int, const void *, size_t, off64_t);
    if (is_ours(fd) && step()) {
        real(fd, bytes, length / 2, offset);
        stop();
    }
    return real(fd, bytes, length, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL("writev", ssize_t, int, const struct iovec *, int);
    STEP_AT_FD(fd);
    return real(fd, parts, count);
}

int fsync(int fd) {
    REAL("fsync", int, int);
    STEP_AT_FD(fd);
    return real(fd);
}

int fdatasync(int fd) {
    REAL("fdatasync", int, int);
    STEP_AT_FD(fd);
    return real(fd);
}

int ftruncate(int fd, off_t length) {
    REAL("ftruncate", int, int, off_t);
    STEP_AT_FD(fd);
    return real(fd, length);
}

int ftruncate64(int fd, off64_t length) {
    REAL("ftruncate64", int, int, off64_t);
    STEP_AT_FD(fd);
    return real(fd, length);
}

int rename(const char *from, const char *to) {
    REAL("rename", int, const char *, const char *);
    STEP_AT_PATH(to);
    return real(from, to);
}

int link(const char *from, const char *to) {
    REAL("link", int, const char *, const char *);
    STEP_AT_PATH(to);
    return real(from, to);
}

int unlink(const char *path) {
    REAL("unlink", int, const char *);
    STEP_AT_PATH(path);
    return real(path);
}

int mkdir(const char *path, mode_t mode) {
    REAL("mkdir", int, const char *, mode_t);
    STEP_AT_PATH(path);
    return real(path, mode);
}

int rmdir(const char *path) {
    REAL("rmdir", int, const char *);
    STEP_AT_PATH(path);
    return real(path);
}

// Only what makes a file is a step.
#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(#name, int, const char *, int, ...); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        if (flags & (O_CREAT | O_TRUNC)) STEP_AT_PATH(path); \
        return real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)
