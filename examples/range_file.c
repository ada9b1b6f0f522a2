/* SPDX-License-Identifier: MIT */
/* Records in a file: a range says where each lies, and after half of them are gone, where to move the others. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tarn/defrag.h>

enum { RECORDS = 200, LARGEST = 4000 };

static bool transfer(int fd, const tarn_range_move *m)
{
    char bytes[LARGEST];
    size_t size = (size_t)m->size;
    return pread(fd, bytes, size, (off_t)m->from) == (ssize_t)size &&
           pwrite(fd, bytes, size, (off_t)m->to) == (ssize_t)size;
}

int main(void)
{
    char bytes[LARGEST], want[LARGEST];
    tarn_space space;
    tarn_range_block b[RECORDS];
    tarn_space_options o = {.units = 1 << 20, .name = "records"};
    FILE *file = tmpfile();
    int fd = file != NULL ? fileno(file) : -1;
    if (fd < 0 || tarn_space_init(&space, &o) != TARN_OK)
        return 1;
    for (int i = 0; i < RECORDS; i++) {
        size_t size = 100 + (size_t)(i * 7919 % 3900);
        memset(bytes, 'A' + i % 26, size);
        if (tarn_range_alloc(&space.range, size, 1, 0, &b[i]) != TARN_OK ||
            pwrite(fd, bytes, size, (off_t)b[i].offset) != (ssize_t)size)
            return 1;
    }
    for (int i = 0; i < RECORDS; i += 2)
        tarn_range_free(&space.range, b[i].id);
    tarn_range_move moves[16];
    size_t n, moved = 0;
    tarn_range_defrag d;
    tarn_range_defrag_begin(&d, &space.range, NULL);
    while (tarn_range_defrag_pass(&d, moves, 16, &n) == TARN_OK && n > 0) {
        for (size_t i = 0; i < n; i++)
            moves[i].outcome = transfer(fd, &moves[i]) ? TARN_MOVE_DONE : TARN_MOVE_IGNORED;
        tarn_range_defrag_commit(&d);
        moved += n;
    }
    tarn_range_defrag_end(&d, NULL);
    int wrong = 0;
    for (int i = 1; i < RECORDS; i += 2) {
        tarn_range_look(&space.range, b[i].id, &b[i]); /* the id stayed, the offset did not */
        size_t size = (size_t)b[i].size;
        memset(want, 'A' + i % 26, size);
        wrong += pread(fd, bytes, size, (off_t)b[i].offset) != (ssize_t)size ||
                 memcmp(bytes, want, size) != 0;
    }
    tarn_space_deinit(&space);
    return printf("%zu records moved, %d lost\n", moved, wrong) < 0 || wrong != 0 || moved == 0;
}
