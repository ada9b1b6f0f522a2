/* SPDX-License-Identifier: MIT */
/* Which allocators there are comes from a text: a configuration file, an argument. */
#include <stdio.h>

#include <tarn/build.h>

int main(int argc, char **argv)
{
    const char *text = argc > 1 ? argv[1]
                                : "nodes = pool 48\n"
                                  "main = stats(segregate(48: nodes, 1K: slab, libc))";
    tarn_build_error error;
    tarn_built *built = tarn_build(text, NULL, &error);
    if (built == NULL) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    tarn_allocator *a = tarn_built_main(built);
    void *node = tarn_alloc(a, 48, TARN_ALIGN_MAX), *text_block = tarn_alloc(a, 700, 0);
    tarn_stats stats;
    if (tarn_get_stats(a, &stats) == TARN_OK)
        printf("%zu blocks, %zu bytes\n", stats.live_blocks, stats.live_bytes);
    tarn_allocator *nodes = tarn_built_find(built, "nodes");
    if (nodes != NULL)
        printf("the node is %s\n",
               tarn_owns(nodes, node) == TARN_YES ? "in the pool" : "elsewhere");
    tarn_free(a, text_block, 700, 0);
    tarn_free(a, node, 48, TARN_ALIGN_MAX);
    tarn_built_destroy(built);

    /* What cannot work is refused when it is built, with the place and the reason. */
    built = tarn_build("segregate(64: pool 32, libc)", NULL, &error);
    printf("%s\n", error.message);
    tarn_built_destroy(built);
    return 0;
}
