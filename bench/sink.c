/* A mail server that takes everything and keeps nothing: one process, one poll loop.

   sink PORT-FILE [DELAY_MS]

   Listens on a free port of 127.0.0.1, writes its number to PORT-FILE, and goes
   on until it is killed. Speaks as much SMTP as a sender of one mail at a time
   needs. The command COUN says how many mails were taken. With DELAY_MS the
   answer to a text comes that much later, as of a server that writes it to disk. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 256, ROOM = 1 << 16 };

static struct pollfd fds[MOST];
static struct peer {
    char in[ROOM];
    int length, text;
    double answer_at; /* a late answer to a text; 0: none is owed */
} *peers[MOST];
static int open_fds = 1;
static long mails;
static double delay;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static int say(int i, const char *words) {
    size_t length = strlen(words);
    return write(fds[i].fd, words, length) == (ssize_t)length;
}

static void hang_up(int i) {
    close(fds[i].fd);
    free(peers[i]);
    fds[i] = fds[--open_fds];
    peers[i] = peers[open_fds];
}

static void take_in(void) {
    int one = 1, fd = accept(fds[0].fd, NULL, NULL);
    if (fd < 0) return;
    if (open_fds == MOST) { close(fd); return; }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fds[open_fds] = (struct pollfd){.fd = fd, .events = POLLIN};
    peers[open_fds] = calloc(1, sizeof(struct peer));
    say(open_fds++, "220 sink\r\n");
}

/* Answer one command; 0 hangs up. */
static int command(int i, const char *line) {
    char words[64];
    if (!strncasecmp(line, "DATA", 4)) { peers[i]->text = 1; return say(i, "354 go on\r\n"); }
    if (!strncasecmp(line, "EHLO", 4)) return say(i, "250-sink\r\n250 PIPELINING\r\n");
    if (!strncasecmp(line, "QUIT", 4)) { say(i, "221 bye\r\n"); return 0; }
    if (!strncasecmp(line, "COUN", 4)) {
        snprintf(words, sizeof words, "250 %ld\r\n", mails);
        return say(i, words);
    }
    return say(i, "250 ok\r\n");
}

/* Take what has come in, line by line; 0 hangs up. */
static int lines(int i) {
    struct peer *p = peers[i];
    char *at = p->in, *end;
    while ((end = memchr(at, '\n', p->in + p->length - at))) {
        if (!p->text) {
            if (!command(i, at)) return 0;
        } else if (at[0] == '.' && at[1] == '\r') {
            p->text = 0, mails++;
            if (delay > 0) p->answer_at = now() + delay;
            else if (!say(i, "250 ok\r\n")) return 0;
        }
        at = end + 1;
    }
    p->length -= at - p->in;
    memmove(p->in, at, p->length);
    return p->length < ROOM;
}

static int heard(int i) {
    struct peer *p = peers[i];
    ssize_t got = read(fds[i].fd, p->in + p->length, ROOM - p->length);
    if (got <= 0) return 0;
    p->length += got;
    return lines(i);
}

/* Give the answers that are due; return how many milliseconds until the next one is. */
static int late_answers(void) {
    double soonest = -1, instant = now();
    for (int i = open_fds - 1; i > 0; i--) {
        double at = peers[i]->answer_at;
        if (!at) continue;
        if (at <= instant) { peers[i]->answer_at = 0; say(i, "250 ok\r\n"); }
        else if (soonest < 0 || at < soonest) soonest = at;
    }
    return soonest < 0 ? -1 : (int)((soonest - instant) * 1000) + 1;
}

int main(int argc, char **argv) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    FILE *said = argc > 1 ? fopen(argv[1], "w") : NULL;
    delay = argc > 2 ? atof(argv[2]) / 1000 : 0;
    if (!said || bind(fd, (void *)&here, size) || listen(fd, MOST)) return 1;
    getsockname(fd, (void *)&here, &size);
    fprintf(said, "%d\n", ntohs(here.sin_port));
    fclose(said);
    fds[0] = (struct pollfd){.fd = fd, .events = POLLIN};
    for (;;) {
        poll(fds, open_fds, late_answers());
        for (int i = open_fds - 1; i > 0; i--)
            if (fds[i].revents && !heard(i)) hang_up(i);
        if (fds[0].revents) take_in();
    }
}
