/* SPDX-License-Identifier: MIT */
/* Huge pages and nodes: ask for them, fill the memory at once, and find out what there was to be had. */
#include <stdio.h>

#include <tarn/pages.h>

static const char *const KINDS[] = {"plain", "advised", "explicit"};

int main(void)
{
    tarn_pages pages;
    tarn_pages_options options = {
        .name = "index",
        .huge = TARN_HUGE_EXPLICIT, /* else advised, else plain */
        .numa = TARN_NUMA_PREFER,   /* the node of the thread that maps */
        .populate = true,
    };
    tarn_status status = tarn_pages_init(&pages, &options);
    if (status == TARN_UNSUPPORTED) { /* a system without explicit huge pages */
        options.huge = TARN_HUGE_ADVISE;
        status = tarn_pages_init(&pages, &options);
    }
    if (status != TARN_OK) {
        fprintf(stderr, "pages: %s\n", tarn_status_text(status));
        return 1;
    }

    tarn_region region;
    status = tarn_source_map(&pages.source, (size_t)8 << 20, 1, 0, &region);
    if (status != TARN_OK) {
        fprintf(stderr, "8 MiB: %s\n", tarn_status_text(status));
        return 1;
    }

    tarn_huge_answer huge;
    if (tarn_pages_ask_huge(&pages, region.ptr, region.size, &huge) != TARN_OK)
        printf("what kind of pages it has is not known\n");
    else if (!huge.counted)
        printf("%s pages of %zu bytes\n", KINDS[huge.kind], huge.page_size);
    else
        printf("%s pages of %zu bytes; %zu of %zu bytes are in huge ones\n", KINDS[huge.kind],
               huge.page_size, huge.huge_bytes, region.size);

    tarn_numa_answer numa;
    tarn_pages_get_numa(&pages, &numa);
    printf("node: %s; its memory is in node %d\n", numa.why, tarn_pages_node(&pages, region.ptr));

    tarn_source_unmap(&pages.source, region.ptr, region.size, 1);
    tarn_pages_deinit(&pages);
    return 0;
}
