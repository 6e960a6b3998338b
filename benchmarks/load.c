/* Asks a server under test for streams, checks that each arrives complete and in order, and measures
 * the server meanwhile. It prints one JSON object.
 *
 *     load -p PORT -P PATH -b BODY [options]
 *
 *     -n N     how many answers to ask for (1)
 *     -r N     how many readers each answer has (1); see below
 *     -g MS    pause between the opening of two streams (0)
 *     -t S     give up after so many seconds (30)
 *     -u PORT  the upstream's port: hold its control connection, so that its gate is in use
 *     -l       lockstep: report every token that has arrived to the upstream
 *     -w S     warm-up, from the opening of the gate until the measurement begins (0.3)
 *     -m S     duration of the measurement; then the upstream ends every stream.
 *              0: the gate is open from the beginning, and the whole run is measured
 *     -i S     idle: do not open the gate; read the memory after the streams waited so many seconds
 *     -f       measure until every stream has its first token; report tokens only then, and let the
 *              upstream end every stream with its second one (with -l, and a model that is lockstep-0)
 *     -e S     measure until the server has nothing to do after the last stream, at most so many seconds
 *     -s PID   the server, whose CPU time and memory are measured
 *     -o PIDS  other processes of the benchmark; "strangers" are all processes but these two kinds
 *
 * Further readers of an answer send GET PATH/{generation_id}; the answer's first event contains that
 * id. A token has arrived when all readers of its answer have it. upstream.c explains the marker in
 * a token. Everything is on 127.0.0.1. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MARKER = 25, HEAD = 4096, SAMPLES = 1 << 22, HELPERS = 8 };
static const uint32_t GO = 0xfffffffe, STOP = 0xffffffff;

struct reader {
    int fd;
    enum { CLOSED, IN_HEAD, IN_SIZE, IN_DATA, AFTER_DATA, TO_THE_END, ENDED } state;
    char head[HEAD]; /* the first bytes of the response, and so perhaps the beginning of the body */
    int head_length;
    bool chunked, last_came, damaged, whole, attached;
    long left; /* bytes of the chunk, or of the body; -1: until the connection closes */
    unsigned expected; /* the number of the next token */
    int marker_length; /* -1: outside of a marker */
    char marker[MARKER];
    uint64_t asked, first;
};

static int answers = 1, readers_each = 1, poller, control = -1;
static struct reader *readers;
static int opened, ended, attached, gathered, whole, damaged;
static long tokens, lost, again;
static int first_count;
static bool lockstep, first_only, in_window;
static uint16_t arrived_at[1 << 16];
static uint32_t acks[1 << 16], *latencies;
static int ack_count;
static size_t latency_count;
static struct sockaddr_in server = {.sin_family = AF_INET};
static const char *path = "/", *body = "";

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

/* ---- CPU time and memory ---- */

static double cpu_seconds(int pid)
{
    clockid_t clock;
    struct timespec t;
    if (pid <= 0 || clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t)) return 0;
    return t.tv_sec + t.tv_nsec / 1e9;
}

static long resident_kib(int pid)
{
    char name[64];
    long size, resident = 0;
    snprintf(name, sizeof name, "/proc/%d/statm", pid);
    FILE *file = pid > 0 ? fopen(name, "r") : NULL;
    if (!file) return 0;
    if (fscanf(file, "%ld %ld", &size, &resident) != 2) resident = 0;
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static double idle_seconds(void)
{
    unsigned long long idle = 0, waiting = 0;
    FILE *file = fopen("/proc/stat", "r");
    if (!file) return 0;
    if (fscanf(file, "cpu %*u %*u %*u %llu %llu", &idle, &waiting) != 2) idle = waiting = 0;
    fclose(file);
    return (double)(idle + waiting) / sysconf(_SC_CLK_TCK);
}

struct snapshot {
    uint64_t at;
    double server, others, idle;
    long tokens;
};
static int server_pid, helpers[HELPERS], helper_count;
enum { CALM_MS = 200, CALM_US = 1000 };

static struct snapshot look(void)
{
    struct snapshot s = {now(), cpu_seconds(server_pid), cpu_seconds(getpid()), idle_seconds(), tokens};
    for (int i = 0; i < helper_count; i++) s.others += cpu_seconds(helpers[i]);
    return s;
}

/* Wait until the server used less than CALM_US of CPU time in CALM_MS, at most so many seconds. */
static void wait_until_calm(double seconds)
{
    uint64_t until = now() + seconds * 1e9;
    for (double used = CALM_US; used >= CALM_US && now() < until;) {
        double before = cpu_seconds(server_pid);
        nanosleep(&(struct timespec){0, CALM_MS * 1000000}, NULL);
        used = 1e6 * (cpu_seconds(server_pid) - before);
    }
}

/* ---- one stream ---- */

static void finish(struct reader *r, bool clean)
{
    if (r->state == ENDED) return;
    if (r->state != CLOSED) close(r->fd);
    r->state = ENDED;
    r->whole = clean && r->last_came && !r->damaged;
    if (r->whole) whole++;
    else damaged++;
    ended++;
}

static int64_t hex(const char *text, int digits)
{
    int64_t value = 0;
    for (int i = 0; i < digits; i++) {
        char c = text[i];
        if (c >= '0' && c <= '9') value = value << 4 | (c - '0');
        else if (c >= 'a' && c <= 'f') value = value << 4 | (c - 'a' + 10);
        else return -1;
    }
    return value;
}

static void on_marker(struct reader *r, uint64_t at)
{
    int64_t stream = hex(r->marker, 4), number = hex(r->marker + 4, 6);
    int64_t last = hex(r->marker + 10, 1), sent = hex(r->marker + 11, 14);
    if (stream < 0 || number < 0 || last < 0 || sent < 0) {
        r->damaged = true;
        return;
    }
    if (number < r->expected || r->last_came) again++, r->damaged = true;
    if (number > r->expected) lost += number - r->expected, r->damaged = true;
    if (number >= r->expected) r->expected = number + 1;
    r->last_came |= last == 1;
    if (!r->first) r->first = at, first_count++;
    tokens++;
    if (in_window && latency_count < SAMPLES) latencies[latency_count++] = (at - sent) / 1000;
    if (lockstep && ++arrived_at[stream] == readers_each) {
        arrived_at[stream] = 0;
        if (ack_count < 1 << 16) acks[ack_count++] = stream;
    }
}

static void on_data(struct reader *r, const char *data, long length, uint64_t at)
{
    const char *end = data + length;
    while (data < end) {
        if (r->marker_length < 0) {
            data = memchr(data, '@', end - data);
            if (!data) return;
            data++;
            r->marker_length = 0;
        }
        long n = end - data < MARKER - r->marker_length ? end - data : MARKER - r->marker_length;
        memcpy(r->marker + r->marker_length, data, n);
        data += n;
        r->marker_length += n;
        if (r->marker_length < MARKER) return;
        r->marker_length = -1;
        on_marker(r, at);
    }
}

static void on_body(struct reader *r, const char *data, long length, uint64_t at)
{
    const char *end = data + length;
    while (data < end && r->state != ENDED) {
        if (r->state == IN_DATA || r->state == TO_THE_END) {
            long n = r->left >= 0 && r->left < end - data ? r->left : end - data;
            on_data(r, data, n, at);
            data += n;
            if (r->left >= 0 && (r->left -= n) == 0) {
                if (r->chunked) r->state = AFTER_DATA;
                else finish(r, true);
            }
        } else if (r->state == AFTER_DATA) { /* the CRLF that follows the data of a chunk */
            if (*data++ == '\n') r->state = IN_SIZE;
        } else if (*data == '\n') {
            if (r->left == 0) return finish(r, true); /* the last chunk; trailers are not read */
            r->state = IN_DATA;
            data++;
        } else if (*data == '\r') {
            data++;
        } else {
            char digit = *data++ | 32;
            int value = hex(&digit, 1);
            if (value < 0) return finish(r, false);
            r->left = r->left * 16 + value;
        }
    }
}

static void open_reader(struct reader *r, const char *method, const char *target, const char *content)
{
    static char request[16384];
    int length = snprintf(request, sizeof request,
                          "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: text/event-stream\r\n"
                          "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                          method, target, ntohs(server.sin_port), strlen(content), content);
    int one = 1;
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    r->state = IN_HEAD;
    r->marker_length = -1;
    r->asked = now();
    opened++;
    if (connect(r->fd, (void *)&server, sizeof server)) return perror("connect"), finish(r, false);
    setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (send(r->fd, request, length, MSG_NOSIGNAL) != length) return finish(r, false);
    struct epoll_event event = {EPOLLIN, {.ptr = r}};
    epoll_ctl(poller, EPOLL_CTL_ADD, r->fd, &event);
}

/* The first event of an answer contains its id: open the further readers of this answer. */
static void attach(struct reader *r)
{
    static const char key[] = "\"generation_id\":\"";
    int number = r - readers;
    char *id = strstr(r->head, key), target[200], *close_quote;
    if (number % readers_each) { /* a further reader: it is attached once it has the first event */
        if (strstr(r->head, "event: start")) r->attached = true, attached++;
        return;
    }
    if (!id || !(close_quote = strchr(id += sizeof key - 1, '"'))) return;
    snprintf(target, sizeof target, "%s/%.*s", path, (int)(close_quote - id), id);
    r->attached = true;
    for (int i = 1; i < readers_each; i++) open_reader(r + i, "GET", target, "");
}

static void on_readable(struct reader *r)
{
    static char buffer[1 << 18];
    ssize_t length = recv(r->fd, buffer, sizeof buffer, 0);
    uint64_t at = now();
    if (length <= 0) return finish(r, length == 0 && r->state == TO_THE_END && r->left < 0);
    const char *data = buffer;
    bool reading_head = r->state == IN_HEAD;
    if (reading_head || (readers_each > 1 && !r->attached)) {
        int n = length < HEAD - 1 - r->head_length ? length : HEAD - 1 - r->head_length;
        memcpy(r->head + r->head_length, buffer, n);
        r->head[r->head_length + n] = 0;
    }
    if (reading_head) {
        char *head_end = strstr(r->head, "\r\n\r\n");
        if (!head_end && r->head_length + length >= HEAD) return finish(r, false);
        if (head_end) {
            const char *size = strcasestr(r->head, "\r\ncontent-length:");
            if (strncmp(r->head + 8, " 200", 4)) {
                if (!damaged) fprintf(stderr, "%s\n", r->head);
                return finish(r, false);
            }
            r->chunked = strcasestr(r->head, "\r\ntransfer-encoding: chunked") != NULL;
            r->left = r->chunked ? 0 : size && size < head_end ? atol(size + 17) : -1;
            r->state = r->chunked ? IN_SIZE : TO_THE_END;
            data += head_end + 4 - (r->head + r->head_length);
        }
    }
    if (reading_head || (readers_each > 1 && !r->attached)) {
        r->head_length += length < HEAD - 1 - r->head_length ? length : HEAD - 1 - r->head_length;
        if (readers_each > 1 && r->state != IN_HEAD) attach(r);
    }
    if (r->state != IN_HEAD) on_body(r, data, buffer + length - data, at);
}

/* ---- all streams ---- */

static void tell(const void *bytes, size_t length)
{
    if (control >= 0 && send(control, bytes, length, MSG_NOSIGNAL) < 0) perror("upstream");
}

static void hold_control(int port)
{
    struct sockaddr_in address = server;
    int one = 1;
    address.sin_port = htons(port);
    control = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(control, (void *)&address, sizeof address)) perror("upstream"), exit(1);
    setsockopt(control, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    tell("CTRL", 4);
    char answer; /* a stream that reached the upstream before would have a number of the last run */
    if (recv(control, &answer, 1, 0) != 1) perror("upstream"), exit(1);
    struct epoll_event event = {EPOLLIN, {.ptr = &control}};
    epoll_ctl(poller, EPOLL_CTL_ADD, control, &event);
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void print_quantiles(const char *name, uint32_t *us, size_t count)
{
    qsort(us, count, sizeof *us, compare);
    double p50 = count ? us[count / 2] / 1e3 : 0, p99 = count ? us[(size_t)(count * 0.99)] / 1e3 : 0;
    double last = count ? us[count - 1] / 1e3 : 0;
    printf(",\"%s_p50_ms\":%.3f,\"%s_p99_ms\":%.3f,\"%s_last_ms\":%.3f", name, p50, name, p99, name, last);
}

int main(int argc, char **argv)
{
    int option, port = 0, upstream_port = 0;
    double gap = 0, limit = 30, warm = 0.3, window = 0, idle = 0, calm = 0;
    while ((option = getopt(argc, argv, "p:P:b:n:r:g:t:u:lw:m:i:fe:s:o:")) > 0) switch (option) {
        case 'p': port = atoi(optarg); break;
        case 'P': path = optarg; break;
        case 'b': body = optarg; break;
        case 'n': answers = atoi(optarg); break;
        case 'r': readers_each = atoi(optarg); break;
        case 'g': gap = atof(optarg); break;
        case 't': limit = atof(optarg); break;
        case 'u': upstream_port = atoi(optarg); break;
        case 'l': lockstep = true; break;
        case 'w': warm = atof(optarg); break;
        case 'm': window = atof(optarg); break;
        case 'i': idle = atof(optarg); break;
        case 'f': first_only = true; break;
        case 'e': calm = atof(optarg); break;
        case 's': server_pid = atoi(optarg); break;
        case 'o':
            for (char *s = strtok(optarg, ","); s && helper_count < HELPERS; s = strtok(NULL, ","))
                helpers[helper_count++] = atoi(s);
            break;
        default: port = 0, optind = argc;
        }
    if (!port) return fprintf(stderr, "usage: load -p PORT -P PATH -b BODY [options]\n"), 2;
    alarm(limit + calm + 5);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    server.sin_port = htons(port);
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    poller = epoll_create1(EPOLL_CLOEXEC);
    int all = answers * readers_each, asked = 0;
    readers = calloc(all, sizeof *readers);
    latencies = malloc(SAMPLES * sizeof *latencies);
    bool gate = window > 0 || idle > 0;
    if (upstream_port) hold_control(upstream_port);
    if (!gate) tell(&GO, sizeof GO);

    long base_kib = resident_kib(server_pid), idle_kib = 0;
    struct snapshot start = look(), ready = start, before = start, after = start;
    enum { OPENING, IDLE, WARMING, MEASURING, FIRSTS, ENDING } phase = ENDING;
    if (gate) phase = OPENING;
    else if (first_only) phase = FIRSTS;
    in_window = !gate;
    while (ended < all) {
        double at = (now() - start.at) / 1e9, since = at - (ready.at - start.at) / 1e9;
        if (at > limit || (damaged && (phase == OPENING || phase == FIRSTS))) break;
        for (; asked < answers && at * 1e3 >= asked * gap; asked++)
            open_reader(readers + asked * readers_each, "POST", path, body);
        if (phase == OPENING && gathered == answers && attached == all - answers) {
            ready = before = look();
            phase = idle ? IDLE : WARMING;
            if (!idle) tell(&GO, sizeof GO);
        } else if (phase == IDLE && since >= idle) {
            idle_kib = resident_kib(server_pid);
            phase = ENDING;
            after = look();
            tell(&STOP, sizeof STOP);
        } else if (phase == WARMING && since >= warm) {
            before = look();
            in_window = true;
            phase = MEASURING;
        } else if (phase == MEASURING && now() - before.at >= window * 1e9) {
            after = look();
            in_window = false;
            phase = ENDING;
            tell(&STOP, sizeof STOP);
        } else if (phase == FIRSTS && first_count == all) {
            after = look();
            in_window = false;
            phase = ENDING;
            tell(&STOP, sizeof STOP);
        }
        static struct epoll_event events[1024];
        int count = epoll_wait(poller, events, 1024, asked < answers ? 1 : 10);
        for (int i = 0; i < count; i++) {
            struct reader *r = events[i].data.ptr;
            char news[4096];
            if ((void *)r == &control) {
                int n = recv(control, news, sizeof news, 0);
                if (n <= 0) return fprintf(stderr, "the upstream has closed its control connection\n"), 1;
                gathered += n;
            } else if (r->state != ENDED) {
                on_readable(r);
            }
        }
        if (phase == FIRSTS) continue;
        if (ack_count) tell(acks, ack_count * sizeof *acks);
        ack_count = 0;
    }
    if (calm) wait_until_calm(calm);
    struct snapshot end = look();
    if (!gate) before = start;
    if (!gate && !first_only) after = end;

    double seconds = (after.at - before.at) / 1e9, cpu = after.server - before.server;
    double busy = seconds * sysconf(_SC_NPROCESSORS_ONLN) - (after.idle - before.idle);
    double strange = busy - cpu - (after.others - before.others);
    uint32_t *firsts = malloc(all * sizeof *firsts);
    int count = 0;
    for (int i = 0; i < all; i++)
        if (readers[i].first) firsts[count++] = (readers[i].first - readers[i].asked) / 1000;
    printf("{\"streams\":%d,\"whole\":%d,\"damaged\":%d,\"unfinished\":%d,\"lost\":%ld,\"again\":%ld",
           all, whole, damaged, all - ended, lost, again);
    printf(",\"gathered\":%d,\"seconds\":%.4f,\"tokens\":%ld,\"cpu_s\":%.6f", gathered, seconds,
           after.tokens - before.tokens, cpu);
    printf(",\"all_tokens\":%ld,\"all_cpu_s\":%.6f,\"open_cpu_s\":%.6f", end.tokens,
           end.server - start.server, ready.server - start.server);
    printf(",\"base_kib\":%ld,\"idle_kib\":%ld,\"strangers_pct\":%.1f", base_kib, idle_kib,
           seconds > 0 && strange > 0 ? 100 * strange / seconds : 0);
    print_quantiles("latency", latencies, latency_count);
    print_quantiles("first", firsts, count);
    printf("}\n");
    return whole == all ? 0 : 1;
}
