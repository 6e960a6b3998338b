/* A fake upstream: it answers every POST with a stream of chunks in OpenAI's format. Each of them
 * holds one token, and is sent in an HTTP chunk of its own of about 300 bytes.
 *
 *     upstream PORT SECONDS          listens on 127.0.0.1, and exits after so many seconds
 *
 * Port 0 means any free port. The program prints the port that it listens on.
 *
 * "model" in a request says how to send the stream:
 *
 *     lockstep-N   one token; the next one when the client reports that it has received this one
 *     backlog-N    as fast as the socket accepts data
 *     paced-R      R tokens a second; the streams take turns
 *
 * The stream ends after N tokens; 0: it does not end by itself. The text of each token contains a
 * marker: "@" and hexadecimal digits, 4 for the stream, 6 for the number of the token in the stream,
 * 1 that is 1 in the last token and else 0, and 14 for the time of sending in ns (CLOCK_MONOTONIC).
 *
 * One client at a time may open a control connection, which begins with the bytes "CTRL"; this
 * program answers with one byte, and numbers the streams anew. While the connection is open, streams
 * wait at a gate; for each stream that reaches the gate this program sends one byte to the client. The client sends numbers of 32 bits: GO opens the gate; STOP opens it too, and ends
 * every stream with its next token; any other number is a stream whose last token has arrived. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { STREAMS = 1 << 16, REQUEST = 1 << 16, BURST = 16, CHUNK = 512, BUFFER = 1 << 15 };
static const uint32_t GO = 0xfffffffe, STOP = 0xffffffff;

enum kind { LOCKSTEP, BACKLOG, PACED };
struct connection {
    int fd;
    enum { REQUESTING, WAITING, STREAMING } state;
    enum kind kind;
    int number;  /* of the stream; only valid while there is one */
    int limit;   /* N or R of the model's name */
    int sent;
    bool close, writable_wanted;
    char *in;
    int in_length;
    char *out;
    size_t out_begin, out_end, out_size;
    struct connection *next_ended;
};

static int poller, timer;
static struct connection *control, *ended, *streams[STREAMS];
static int stream_count, next_paced;
static bool gate_open = true, stopping;
static char prefix[400];
static int prefix_length;
static const char suffix[] = "\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n";
static const char *words[] = {" the", " model", ",", " reads", " what", " caf\xc3\xa9", "\\n\\n",
                              " \\\"quoted\\\"", " and", " writes", " words", "."};
#define CHUNK_START                                                                        \
    "data: {\"id\":\"chatcmpl-BdTxYq7WzGm2Kc4RfHs9LpVn3JuEo\",\"object\":\"chat.completion.chunk\"," \
    "\"created\":1763840000,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\","           \
    "\"system_fingerprint\":\"fp_44add55e\",\"choices\":[{\"index\":0,\"delta\":{"

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

static char *put_hex(char *at, uint64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) *at++ = "0123456789abcdef"[value >> (4 * i) & 15];
    return at;
}

static void put(struct connection *c, const void *bytes, size_t length)
{
    if (c->out_begin == c->out_end) c->out_begin = c->out_end = 0;
    if (c->out_end + length > c->out_size) {
        c->out_size = (c->out_end + length) * 2;
        c->out = realloc(c->out, c->out_size);
    }
    memcpy(c->out + c->out_end, bytes, length);
    c->out_end += length;
}

static void put_chunk(struct connection *c, const char *text)
{
    char size[24];
    put(c, size, sprintf(size, "%zx\r\n", strlen(text)));
    put(c, text, strlen(text));
    put(c, "\r\n", 2);
}

static void leave(struct connection *c)
{
    if (c->state != REQUESTING && streams[c->number] == c) streams[c->number] = NULL;
    c->state = REQUESTING;
    c->in_length = 0;
}

static void end(struct connection *c)
{
    if (c == control) {
        control = NULL;
        gate_open = true;
    }
    leave(c);
    close(c->fd);
    c->fd = -1;
    c->next_ended = ended; /* freed after the events of this epoll_wait: one may refer to it */
    ended = c;
}

static void want_writable(struct connection *c, bool wanted)
{
    if (c->writable_wanted == wanted) return;
    struct epoll_event event = {EPOLLIN | (wanted ? EPOLLOUT : 0), {.ptr = c}};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
    c->writable_wanted = wanted;
}

static void flush(struct connection *c)
{
    while (c->out_begin < c->out_end) {
        ssize_t n = send(c->fd, c->out + c->out_begin, c->out_end - c->out_begin, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) return end(c);
        if (n < 0) return want_writable(c, true);
        c->out_begin += n;
    }
    if (c->state == REQUESTING && c->close) return end(c);
    want_writable(c, c->state == STREAMING && c->kind == BACKLOG);
}

/* Put a token into the buffer, and after the last token the end of the response. */
static void token(struct connection *c)
{
    bool last = stopping || (c->kind != PACED && c->limit && c->sent + 1 >= c->limit);
    const char *word = words[c->sent % (sizeof words / sizeof *words)];
    size_t word_length = strlen(word);
    char chunk[CHUNK + 16], *at = chunk;
    at = put_hex(at, prefix_length + word_length + 26 + sizeof suffix - 1, 3);
    at = mempcpy(at, "\r\n", 2);
    at = mempcpy(at, prefix, prefix_length);
    at = mempcpy(at, word, word_length);
    *at++ = '@';
    at = put_hex(at, c->number, 4);
    at = put_hex(at, c->sent++, 6);
    at = put_hex(at, last, 1);
    at = put_hex(at, now(), 14);
    at = mempcpy(at, suffix, sizeof suffix - 1);
    at = mempcpy(at, "\r\n", 2);
    put(c, chunk, at - chunk);
    if (!last) return;
    put_chunk(c, CHUNK_START "},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n");
    put_chunk(c, "data: [DONE]\n\n");
    put(c, "0\r\n\r\n", 5);
    leave(c);
}

static void begin(struct connection *c)
{
    c->state = STREAMING;
    if (c->kind == LOCKSTEP || stopping) token(c);
    flush(c);
}

static void open_gate(void)
{
    int rate = 0, paced = 0;
    gate_open = true;
    for (int i = 0; i < stream_count; i++) {
        struct connection *c = streams[i];
        if (!c) continue;
        if (c->kind == PACED) paced++, rate = c->limit;
        if (c->state == WAITING) begin(c);
    }
    if (paced == 0 || stopping) return;
    long interval = 1000000000 / ((long)paced * rate);
    struct itimerspec every = {{0, interval}, {0, interval}};
    timerfd_settime(timer, 0, &every, NULL);
}

static void on_timer(void)
{
    uint64_t due = 0;
    if (read(timer, &due, sizeof due) < 0) return;
    while (due--) {
        struct connection *c = NULL;
        for (int tries = 0; tries < stream_count && !c; tries++) {
            c = streams[next_paced++ % stream_count];
            next_paced %= stream_count;
        }
        if (!c) {
            timerfd_settime(timer, 0, &(struct itimerspec){0}, NULL);
            return;
        }
        token(c);
        flush(c);
    }
}

static void on_word(uint32_t word)
{
    if (word == STOP) stopping = true;
    if (word == STOP || word == GO) return open_gate();
    struct connection *c = word < STREAMS ? streams[word] : NULL;
    if (!c || c->state != STREAMING || c->kind != LOCKSTEP) return;
    token(c);
    flush(c);
}

static void on_request(struct connection *c, const char *head, const char *body)
{
    char name[16] = "", head_text[200];
    const char *model = strstr(body, "\"model\"");
    if (model) sscanf(model + 7, " : \"%15[a-z]-%d", name, &c->limit);
    c->close = strcasestr(head, "\r\nconnection: close") != NULL;
    c->in_length = c->sent = 0;
    const char *names[] = {"lockstep", "backlog", "paced"};
    int kind = 0;
    while (kind < 3 && strcmp(name, names[kind])) kind++;
    if (kind == 3) {
        const char *list = "{\"object\":\"list\",\"data\":[{\"id\":\"backlog-20\",\"object\":\"model\"}]}";
        put(c, head_text, sprintf(head_text, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                  "Content-Length: %zu\r\n\r\n%s", strlen(list), list));
        return flush(c);
    }
    c->kind = kind;
    c->number = stream_count;
    streams[stream_count] = c;
    stream_count = (stream_count + 1) % STREAMS;
    put(c, head_text, sprintf(head_text, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                              "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n%s\r\n",
                              c->close ? "Connection: close\r\n" : ""));
    put_chunk(c, CHUNK_START "\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,"
                             "\"finish_reason\":null}]}\n\n");
    c->state = WAITING;
    if (gate_open) return begin(c);
    flush(c);
    if (control && send(control->fd, "", 1, MSG_NOSIGNAL) < 0) end(control);
}

static void on_readable(struct connection *c)
{
    if (!c->in) c->in = malloc(REQUEST);
    ssize_t n = recv(c->fd, c->in + c->in_length, REQUEST - 1 - c->in_length, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0 || c->state != REQUESTING) return end(c);
    c->in[c->in_length += n] = 0;
    if (c != control && c->in_length >= 4 && !memcmp(c->in, "CTRL", 4)) {
        if (control) return end(c);
        control = c;
        gate_open = stopping = false;
        stream_count = next_paced = 0;
        memset(streams, 0, sizeof streams);
        if (send(c->fd, "", 1, MSG_NOSIGNAL) < 0) return end(c);
        memmove(c->in, c->in + 4, c->in_length -= 4);
    }
    if (c == control) {
        int used = 0;
        for (uint32_t word; used + (int)sizeof word <= c->in_length; used += sizeof word) {
            memcpy(&word, c->in + used, sizeof word);
            on_word(word);
        }
        memmove(c->in, c->in + used, c->in_length -= used);
        return;
    }
    char *body = strstr(c->in, "\r\n\r\n");
    if (!body) return;
    const char *length = strcasestr(c->in, "\r\ncontent-length:");
    const char *chunked = strcasestr(c->in, "\r\ntransfer-encoding: chunked");
    body += 4;
    if (length && length < body && c->in + c->in_length < body + atoi(length + 17)) return;
    if (chunked && chunked < body && !strstr(body - 2, "\r\n0\r\n\r\n")) return;
    char *request = c->in;
    c->in = NULL; /* frees 64 KiB: many streams may be waiting */
    body[-1] = 0;
    on_request(c, request, body);
    free(request);
}

static void on_connection(int listener)
{
    int fd, one = 1, buffer = BUFFER; /* small, since the client must still read it all after STOP */
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
        struct connection *c = calloc(1, sizeof *c);
        c->fd = fd;
        struct epoll_event event = {EPOLLIN, {.ptr = c}};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) return fprintf(stderr, "usage: upstream PORT SECONDS\n"), 2;
    alarm(atoi(argv[2]));
    prefix_length = sprintf(prefix, CHUNK_START "\"content\":\"");
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096))
        return perror("upstream"), 1;
    socklen_t length = sizeof address;
    getsockname(listener, (void *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    poller = epoll_create1(EPOLL_CLOEXEC);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    int *own[] = {&listener, &timer};
    for (int i = 0; i < 2; i++) {
        struct epoll_event event = {EPOLLIN, {.ptr = own[i]}};
        epoll_ctl(poller, EPOLL_CTL_ADD, *own[i], &event);
    }
    for (;;) {
        static struct epoll_event events[512];
        int count = epoll_wait(poller, events, 512, -1);
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if ((void *)c == &listener) {
                on_connection(listener);
                continue;
            }
            if ((void *)c == &timer) {
                on_timer();
                continue;
            }
            if (c->fd >= 0 && events[i].events & ~EPOLLOUT) on_readable(c);
            if (c->fd >= 0 && events[i].events & EPOLLOUT) {
                bool more = c->out_begin == c->out_end && c->state == STREAMING;
                for (int n = 0; more && n < BURST && c->state == STREAMING; n++) token(c);
                flush(c);
            }
        }
        while (ended) {
            struct connection *c = ended;
            ended = c->next_ended;
            free(c->in);
            free(c->out);
            free(c);
        }
    }
}
