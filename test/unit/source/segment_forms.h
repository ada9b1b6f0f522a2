/* SPDX-License-Identifier: MIT */
/*
 * segment_forms.h - a segment in a folder of its own, with a list in it: for the tests of segments.
 */
#ifndef TARN_TEST_SEGMENT_FORMS_H
#define TARN_TEST_SEGMENT_FORMS_H

#include "support/tarn_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tarn/offset.h>
#include <tarn/segment.h>

static char folder[] = "/tmp/tarn-segment-XXXXXX", path[64], shared[64];

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(path, sizeof path, "%s/file", folder);
    (void)snprintf(shared, sizeof shared, "/tarn-segment-%ld", (long)getpid());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)shm_unlink(shared);
    return rmdir(folder);
}

static int fresh(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

/* A small limit: Valgrind looks at all of a mapping, page by page, when a process ends in it. */
static tarn_segment_found open_it(tarn_segment *s)
{
    assert_int_equal(tarn_segment_init(s, &(tarn_segment_options){.name = path, .limit = 1 << 18}),
                     TARN_OK);
    assert_string_equal(tarn_segment_why(s), "");
    return tarn_segment_get_report(s)->found;
}

static const tarn_segment_pool_options NODES = {.block_size = 32, .capacity = 100};

struct node {
    TARN_OFFSET(struct node) next;
    int value;
};

struct root {
    TARN_OFFSET(struct node) first;
    size_t count;
};

/* Adds 0 to n - 1 to the list. */
static void grow_list(tarn_segment *s, int n)
{
    tarn_segment_pool nodes;
    tarn_block where;
    assert_int_equal(tarn_segment_open_pool(s, "nodes", &NODES, &nodes), TARN_OK);
    assert_int_equal(tarn_segment_open_memory(s, "root", sizeof(struct root), &where), TARN_OK);
    struct root *root = where.ptr;
    for (int i = 0; i < n; i++) {
        struct node *node = tarn_segment_pool_alloc(&nodes);
        assert_non_null(node);
        node->value = i;
        TARN_OFFSET_SET(node->next, TARN_OFFSET_GET(root->first));
        TARN_OFFSET_SET(root->first, node);
        root->count++;
        tarn_segment_pool_publish(&nodes, node);
    }
}

#endif
