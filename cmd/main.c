/* SPDX-License-Identifier: MIT */
/* tarn - the command: a table of sub-commands, --help, --version. */
#include "cmd/info.h"
#include "cmd/record.h"
#include "cmd/replay.h"
#include "tarn/config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the name; the result is the exit status */
    const char *line;                  /* what it does, for --help                           */
} command;

/* Every sub-command is a row here. */
static const command commands[] = {
    {"record", tarn_record_main,
     "run a program and record its memory: tarn record [-o FILE] -- CMD..."},
    {"info", tarn_info_main, "say what a recording holds:           tarn info FILE [--json]"},
    {"replay", tarn_replay_main,
     "run a recording on other allocators:   tarn replay FILE [-a LIST]"},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static void help(FILE *out)
{
    fprintf(out, "usage: tarn <command> [options]\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].line);
    fprintf(out, "\n  tarn <command> --help      its options\n"
                 "  tarn --version\n\n"
                 "Exit status: 125 when tarn itself fails, 126 when a program cannot be run, 127 "
                 "when there is none\n"
                 "of that name; otherwise the command's own, for record the recorded program's.\n");
}

static const command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return 125;
    }
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
        printf("tarn %s\n", TARN_VERSION);
        return 0;
    }
    bool asks = !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help");
    if (asks && argc > 2) {
        const command *c = find(argv[2]);
        char option[] = "--help";
        char *words[] = {argv[2], option, NULL};
        if (c)
            return c->run(2, words);
        argv[1] = argv[2];
    } else if (asks) {
        help(stdout);
        return 0;
    }
    const command *c = find(argv[1]);
    if (!c) {
        fprintf(stderr, "tarn: there is no command '%s'; see tarn --help\n", argv[1]);
        return 125;
    }
    return c->run(argc - 1, argv + 1);
}
