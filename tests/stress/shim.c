/* Trouble on demand between finex and its disk, and a clock that is wrong: preloaded into the gateway by tests/stress.
 *
 * STRESS_DIR is the folder whose files are concerned. STRESS_CONTROL is a file of eight 64-bit numbers, mapped, so that the
 * suite changes them while the gateway runs: per mille of open, read, write, fsync and rename that fail, the error number,
 * how far the clock is wrong in seconds, a seed. STRESS_LOG gets a line for whatever changes the folder, and a copy of each
 * file's bytes as they were when it was synced stands beside it: from these a disk after a power cut is put together. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OPEN, READ, WRITE, FSYNC, RENAME, ERROR, CLOCK, SEED };

static const char *folder;
static volatile int64_t *control;
static const char *log_path;
static int log_fd = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
    folder = getenv("STRESS_DIR");
    log_path = getenv("STRESS_LOG");
    const char *path = getenv("STRESS_CONTROL");
    int fd = path ? REAL(open)(path, O_RDWR) : -1;
    if (fd >= 0) {
        void *mapped = mmap(NULL, 64, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        control = mapped == MAP_FAILED ? NULL : mapped;
        close(fd);
    }
    if (log_path) log_fd = REAL(open)(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
}

static int ours(const char *path) {
    return folder && path && strncmp(path, folder, strlen(folder)) == 0 && !strstr(path, "/.lock");
}

static int ours_fd(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, 4095);
    if (n <= 0) return 0;
    path[n] = 0;
    return ours(path);
}

static int fails(int what) {
    if (!control || control[what] == 0) return 0;
    pthread_mutex_lock(&lock);
    uint64_t x = (uint64_t)control[SEED] * 6364136223846793005u + 1442695040888963407u;
    control[SEED] = (int64_t)x;
    pthread_mutex_unlock(&lock);
    if ((int64_t)((x >> 33) % 1000) >= control[what]) return 0;
    errno = (int)control[ERROR];
    return 1;
}

static void note(const char *format, ...) {
    if (log_fd < 0) return;
    char line[9000];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (n > 0) REAL(write)(log_fd, line, (size_t)n);
}

/* The bytes of a file as they are now; says under which number they are kept. */
static long keep(int fd) {
    static long count;
    struct stat told;
    char path[4200];
    if (fstat(fd, &told)) return -1;
    long number = __sync_add_and_fetch(&count, 1);
    snprintf(path, sizeof path, "%s.%d.%ld", log_path, getpid(), number);
    char *bytes = malloc((size_t)told.st_size + 1);
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    int from = REAL(open)(self, O_RDONLY), to = REAL(open)(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ssize_t n = from >= 0 ? REAL(read)(from, bytes, (size_t)told.st_size) : -1;
    if (n > 0) REAL(write)(to, bytes, (size_t)n);
    close(from);
    close(to);
    free(bytes);
    return number;
}

static int opens(const char *path, int flags, mode_t mode, int (*real)(const char *, int, ...)) {
    if (ours(path) && fails(OPEN)) return -1;
    int fd = real(path, flags, mode);
    struct stat told;
    if (fd >= 0 && (flags & O_CREAT) && ours(path) && !fstat(fd, &told)) note("C\t%lu\t%s\n", told.st_ino, path);
    return fd;
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    return opens(path, flags, mode, REAL(open));
}

int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    return opens(path, flags, mode, REAL(open64));
}

ssize_t read(int fd, void *to, size_t n) {
    char path[4096];
    if (control && control[READ] && ours_fd(fd, path) && fails(READ)) return -1;
    return REAL(read)(fd, to, n);
}

ssize_t write(int fd, const void *from, size_t n) {
    char path[4096];
    if (control && control[WRITE] && ours_fd(fd, path) && fails(WRITE)) {
        /* A disk that fills up takes a part first. */
        int error = errno;
        if (n > 1) REAL(write)(fd, from, n / 2);
        errno = error;
        return -1;
    }
    return REAL(write)(fd, from, n);
}

static int syncs(int fd, int (*real)(int)) {
    char path[4096];
    if (!ours_fd(fd, path)) return real(fd);
    if (fails(FSYNC)) return -1;
    int done = real(fd);
    struct stat told;
    if (done == 0 && log_fd >= 0 && !fstat(fd, &told)) {
        if (S_ISDIR(told.st_mode)) note("D\t%s\n", path);
        else note("F\t%lu\t%d.%ld\n", told.st_ino, getpid(), keep(fd));
    }
    return done;
}

int fsync(int fd) { return syncs(fd, REAL(fsync)); }
int fdatasync(int fd) { return syncs(fd, REAL(fdatasync)); }

int rename(const char *old, const char *new) {
    if (ours(old) && fails(RENAME)) return -1;
    int done = REAL(rename)(old, new);
    if (done == 0 && ours(old)) note("R\t%s\t%s\n", old, new);
    return done;
}

int unlink(const char *path) {
    int done = REAL(unlink)(path);
    if (done == 0 && ours(path)) note("U\t%s\n", path);
    return done;
}

int mkdir(const char *path, mode_t mode) {
    int done = REAL(mkdir)(path, mode);
    if (done == 0 && ours(path)) note("M\t%s\n", path);
    return done;
}

int clock_gettime(clockid_t which, struct timespec *now) {
    int done = REAL(clock_gettime)(which, now);
    if (done == 0 && which == CLOCK_REALTIME && control) now->tv_sec += control[CLOCK];
    return done;
}
