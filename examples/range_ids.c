/* SPDX-License-Identifier: MIT */
/* Identifiers 1 to 1,000,000, the smallest free one first, each with a pointer; two bits apiece. */
#include <stdio.h>

#include <tarn/range.h>

struct session {
    const char *user;
};

static bool print(void *unused, const tarn_range_block *b)
{
    (void)unused;
    if (b->id != 0)
        printf("  %llu to %llu: %s\n", (unsigned long long)b->offset,
               (unsigned long long)(b->offset + b->size - 1),
               b->user != NULL ? ((const struct session *)b->user)->user : "reserved");
    return true;
}

int main(void)
{
    static struct session sessions[] = {{"ada"}, {"grace"}, {"barbara"}, {"frances"}};
    tarn_space space;
    tarn_range_block b[4], ten, again;
    tarn_space_options o = {
        .first = 1, .units = 1000000, .core = TARN_RANGE_BITMAP, .name = "sessions"};
    if (tarn_space_init(&space, &o) != TARN_OK)
        return 1;
    for (int i = 0; i < 4; i++) {
        tarn_range_request want = {.size = 1, .user = &sessions[i]};
        if (tarn_range_serve(&space.range, &want, &b[i]) != TARN_OK)
            return 1;
    }
    if (tarn_range_alloc(&space.range, 10, 16, 0, &ten) != TARN_OK) /* ten in a row, from 16 on */
        return 1;
    tarn_range_free(&space.range, b[1].id);
    if (tarn_range_alloc(&space.range, 1, 1, 0, &again) != TARN_OK)
        return 1;
    printf("2 was freed, so the next is %llu\n", (unsigned long long)again.offset);
    tarn_range_set_user(&space.range, again.id, &sessions[1]);
    tarn_range_visit(&space.range, print, NULL);

    tarn_range_block found;
    tarn_status status = tarn_range_look(&space.range, 77, &found);
    printf("77: %s\n", tarn_status_text(status));
    tarn_space_deinit(&space);
    return again.offset == 2 && ten.offset == 16 && status == TARN_STALE ? 0 : 1;
}
