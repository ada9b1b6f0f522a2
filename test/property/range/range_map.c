/* SPDX-License-Identifier: MIT */
/* range_map.c - prints maps of spaces, each followed by what range_map_test.py must find in it. */
#include <inttypes.h>
#include <stdio.h>

#include <tarn/range.h>

static bool to_stdout(void *user, const char *text, size_t length)
{
    (void)user;
    return fwrite(text, 1, length, stdout) == length;
}

static bool expect(void *user, const tarn_range_block *run)
{
    int *count = user;
    printf("%s[%" PRIu64 ", %" PRIu64 ", \"%s%" PRIx64 "\", \"0x%" PRIxPTR "\"]",
           (*count)++ == 0 ? "" : ", ", run->offset, run->size, run->id != 0 ? "0x" : "", run->id,
           (uintptr_t)run->user);
    return true;
}

static int show(tarn_space_options o, int blocks)
{
    tarn_space s;
    tarn_range_id ids[100];
    int count = 0;
    if (tarn_space_init(&s, &o) != TARN_OK)
        return 1;
    for (int i = 0; i < blocks; i++) {
        tarn_range_block b;
        tarn_range_request want = {.size = o.units / 200 + 1, .user = i % 3 == 0 ? &s : NULL};
        if (tarn_range_serve(&s.range, &want, &b) != TARN_OK)
            return 1;
        ids[i] = b.id;
    }
    for (int i = 1; i < blocks; i += 4)
        (void)tarn_range_free(&s.range, ids[i]);
    bool whole = tarn_range_json(&s.range, to_stdout, NULL);
    printf("[");
    tarn_range_visit(&s.range, expect, &count);
    printf("]\n");
    tarn_space_deinit(&s);
    return whole ? 0 : 1;
}

int main(void)
{
    int wrong = 0;
    for (int core = 0; core < 3; core++) {
        tarn_range_core c = (tarn_range_core)core;
        wrong += show((tarn_space_options){.units = 1, .core = c}, 0);
        wrong += show((tarn_space_options){.units = 1, .core = c, .name = "full"}, 1);
        wrong += show((tarn_space_options){.units = 100000, .core = c, .name = "many"}, 100);
        wrong += show((tarn_space_options){.units = 4096,
                                           .core = c,
                                           .first = 4096,
                                           .name = "a \"b\" \\ \n\t\x01 \x7f \xff \xc3\xa9"},
                      50);
    }
    wrong += show((tarn_space_options){.units = TARN_RANGE_UNITS_MAX, .name = "largest"}, 100);
    return wrong;
}
