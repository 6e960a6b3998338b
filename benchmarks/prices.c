/* Measures what the system calls of a relay cost on this machine, so that figures of two machines can
 * be compared. It prints one JSON object: nanoseconds for one call of each kind, in the best of ROUNDS
 * rounds, since everything else that runs only adds to a price. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 20, CALLS = 2000, TOKEN = 330 };
static int pipes[2], sockets[2], poller;
static char bytes[TOKEN];

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

static long call_getpid(void) { return syscall(SYS_getpid); }

static long call_read(void) /* the byte that it has just written to a pipe: the mean of the two calls */
{
    return write(pipes[1], bytes, 1) + read(pipes[0], bytes, 1) - 1;
}

static long call_epoll(void) /* finds one socket that is ready */
{
    struct epoll_event event;
    return epoll_wait(poller, &event, 1, 0);
}

static long call_send(void) /* a token through a TCP connection of loopback, and its receipt */
{
    return send(sockets[0], bytes, TOKEN, 0) + recv(sockets[1], bytes, TOKEN, MSG_WAITALL) - TOKEN;
}

static int connect_sockets(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (void *)&address, length) || listen(listener, 1)) return -1;
    if (getsockname(listener, (void *)&address, &length)) return -1;
    if (connect(client, (void *)&address, length)) return -1;
    sockets[0] = client;
    sockets[1] = accept(listener, NULL, NULL);
    return sockets[1] < 0 ? -1 : 0;
}

int main(void)
{
    struct {
        const char *name;
        long (*call)(void);
        int calls; /* system calls in one */
    } kinds[] = {{"getpid", call_getpid, 1}, {"read", call_read, 2},
                 {"epoll_wait", call_epoll, 1}, {"send_recv", call_send, 1}};
    alarm(30);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (pipe(pipes) || connect_sockets()) return perror("prices"), 1;
    struct epoll_event event = {EPOLLOUT, {.fd = sockets[0]}};
    epoll_ctl(poller, EPOLL_CTL_ADD, sockets[0], &event);
    for (int kind = 0; kind < 4; kind++) {
        uint64_t best = UINT64_MAX;
        for (int round = 0; round < ROUNDS; round++) {
            uint64_t began = now();
            for (int n = 0; n < CALLS; n++)
                if (kinds[kind].call() < 1) return fprintf(stderr, "%s\n", kinds[kind].name), 1;
            uint64_t took = now() - began;
            if (took < best) best = took;
        }
        printf("%s\"%s\": %.0f", kind ? ", " : "{", kinds[kind].name,
               (double)best / CALLS / kinds[kind].calls);
    }
    printf("}\n");
    return 0;
}
