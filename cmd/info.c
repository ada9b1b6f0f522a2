/* SPDX-License-Identifier: MIT */
/* `tarn info`: options and exit status. */
#include "cmd/info.h"

#include "cmd/info_summary.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void help(void)
{
    puts("usage: tarn info [--json] [--top N] FILE\n\n"
         "Say what a recording holds: whether it is complete, its events, live memory, lifetimes, "
         "the commonest\n"
         "sizes and the contexts that allocate most.\n\n"
         "  -j, --json     the same as JSON\n"
         "  -t, --top N    rows of the tables (default 15)\n"
         "  -h, --help     this\n\n"
         "Exit status: 0; 1 when the trace is incomplete or damaged (what could be read is shown); "
         "125 when it cannot\n"
         "be read at all.");
}

/* Digits only: strtoul would take "-1" for a very large number. */
static bool parse_top(const char *text, unsigned *top)
{
    errno = 0;
    unsigned long n = strtoul(text, NULL, 10);
    if (!*text || text[strspn(text, "0123456789")] || errno != 0 || n > UINT_MAX)
        return false;
    *top = (unsigned)n;
    return true;
}

/* -1: go on. */
static int parse(int argc, char **argv, info_options *o)
{
    static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
                                          {"top", required_argument, NULL, 't'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    optind = 1;
    opterr = 0; /* one line, ours */
    for (int c; (c = getopt_long(argc, argv, "jt:h", longs, NULL)) != -1;) {
        switch (c) {
        case 'j':
            o->json = true;
            break;
        case 't':
            if (!parse_top(optarg, &o->top)) {
                fprintf(stderr, "tarn: info: --top takes a number from 0 to %u, not '%s'\n",
                        UINT_MAX, optarg);
                return 125;
            }
            break;
        case 'h':
            help();
            return 0;
        default:
            fprintf(stderr,
                    "tarn: info: '%s' is no option, or lacks its value; see tarn info --help\n",
                    argv[optind - 1]);
            return 125;
        }
    }
    if (optind + 1 != argc) {
        fputs("tarn: info: one FILE, please; usage: tarn info [--json] [--top N] FILE\n", stderr);
        return 125;
    }
    o->file = argv[optind];
    return -1;
}

int tarn_info_main(int argc, char **argv)
{
    info_options o = {.top = 15};
    int status = parse(argc, argv, &o);
    if (status >= 0)
        return status;
    tarn_trace *trace;
    char why[TARN_TRACE_MESSAGE];
    tarn_trace_open(o.file, &trace, why);
    if (!trace) {
        fprintf(stderr, "tarn: info: %s\n", why);
        return 125;
    }
    info_summary summary;
    bool good = info_gather(trace, &summary);
    if (!good)
        fprintf(stderr, "tarn: info: %s: out of memory\n", o.file);
    else if (o.json)
        good = info_print_json(trace, &summary, &o);
    else
        info_print_text(trace, &summary, &o);
    tarn_trace_status state = tarn_trace_state(trace, why);
    if (state != TARN_TRACE_COMPLETE)
        fprintf(stderr, "tarn: info: %s: %s\n", o.file, why);
    info_free(&summary);
    tarn_trace_close(trace);
    if (!good)
        return 125;
    return state == TARN_TRACE_COMPLETE ? 0 : 1;
}
