/* Start PROGRAM COUNT times at once and tell what it took.
 *
 *   stopwatch COUNT REQUEST PROGRAM [ARGUMENT...]
 *
 * Each copy reads REQUEST from a pipe and answers into a pipe, as under docker. The
 * first line of output is "WALL_NS CPU_NS PEAK_KB FAILED"; the answers follow, each
 * ended by a NUL. Small and static: a process that is started from a large one is
 * born with the other's peak memory.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 256, PIPE_SIZE = 65536 };
extern char **environ;

static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long ns(struct timeval t) {
    return t.tv_sec * 1000000000LL + t.tv_usec * 1000LL;
}

static void need(int good, const char *what) {
    if (!good) {
        perror(what);
        exit(2);
    }
}

int main(int argc, char **argv) {
    static int out[MOST];
    static char answer[PIPE_SIZE];
    int count = argc > 3 ? atoi(argv[1]) : 0, failed = 0;
    long long began, wall, cpu = 0;
    long peak_kb = 0;

    need(count > 0 && count <= MOST, "usage: stopwatch COUNT REQUEST PROGRAM ...");
    posix_spawn_file_actions_t actions[MOST];
    for (int i = 0; i < count; i++) {
        int asked[2], answered[2];
        need(!pipe2(asked, O_CLOEXEC) && !pipe2(answered, O_CLOEXEC), "pipe");
        need(write(asked[1], argv[2], strlen(argv[2])) >= 0, "write");
        close(asked[1]);
        posix_spawn_file_actions_init(&actions[i]);
        posix_spawn_file_actions_adddup2(&actions[i], asked[0], 0);
        posix_spawn_file_actions_adddup2(&actions[i], answered[1], 1);
        out[i] = answered[0];
        fcntl(answered[1], F_SETPIPE_SZ, PIPE_SIZE);
    }

    began = now_ns();
    for (int i = 0; i < count; i++) {
        pid_t pid;
        int error = posix_spawn(&pid, argv[3], &actions[i], NULL, argv + 3, environ);
        need(error == 0, argv[3]);
    }
    for (int i = 0; i < count; i++) {
        struct rusage used;
        int status;
        need(wait4(-1, &status, 0, &used) > 0, "wait4");
        failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
        cpu += ns(used.ru_utime) + ns(used.ru_stime);
        if (used.ru_maxrss > peak_kb)
            peak_kb = used.ru_maxrss;
    }
    wall = now_ns() - began;

    printf("%lld %lld %ld %d\n", wall, cpu, peak_kb, failed);
    for (int i = 0; i < count; i++) {
        fcntl(out[i], F_SETFL, O_NONBLOCK);
        ssize_t length = read(out[i], answer, sizeof answer);
        if (length > 0)
            fwrite(answer, 1, (size_t)length, stdout);
        putchar('\0');
    }
    return 0;
}
