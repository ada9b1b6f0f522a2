/* SPDX-License-Identifier: MIT */
/* Pointers that are ways: to others, to themselves, to nothing; right after the memory has moved. */
#include "support/tarn_test.h"

#include <tarn/offset.h>

struct node {
    TARN_OFFSET(struct node) next, self;
    int value;
};

static void zero_is_null(void **state)
{
    (void)state;
    struct node n;
    memset(&n, 0, sizeof n);
    assert_null(TARN_OFFSET_GET(n.next));
    TARN_OFFSET_SET(n.next, &n);
    assert_ptr_equal(TARN_OFFSET_GET(n.next), &n);
    TARN_OFFSET_SET(n.next, NULL);
    assert_null(TARN_OFFSET_GET(n.next));
}

static void a_pointer_may_point_to_itself(void **state)
{
    (void)state;
    struct node n;
    TARN_OFFSET_SET(n.next, (struct node *)(void *)&n.next);
    assert_ptr_equal(TARN_OFFSET_GET(n.next), &n.next);
}

static void what_moves_as_a_whole_stays_right(void **state)
{
    (void)state;
    struct node here[10], there[10];
    memset(here, 0, sizeof here);
    for (int i = 0; i < 10; i++) {
        here[i].value = i;
        if (i + 3 < 10)
            TARN_OFFSET_SET(here[i].next, &here[i + 3]);
        TARN_OFFSET_SET(here[i].self, &here[9 - i]);
    }
    memcpy(there, here, sizeof here);
    memset(here, 0xff, sizeof here);
    int sum = 0;
    for (struct node *n = &there[0]; n != NULL; n = TARN_OFFSET_GET(n->next))
        sum += n->value;
    assert_int_equal(sum, 0 + 3 + 6 + 9);
    for (int i = 0; i < 10; i++)
        assert_ptr_equal(TARN_OFFSET_GET(there[i].self), &there[9 - i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_is_null),
        cmocka_unit_test(a_pointer_may_point_to_itself),
        cmocka_unit_test(what_moves_as_a_whole_stays_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
