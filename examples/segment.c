/* SPDX-License-Identifier: MIT */
/* Two processes, each with the segment at another address, share a list; one is killed, the other goes on. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tarn/tarn.h>

struct job {
    TARN_OFFSET(struct job) next;
    int number;
};

/* The list's head is memory with a name; all zero at first: an empty list. */
static struct job *open_jobs(tarn_segment *s, tarn_segment_pool *jobs, tarn_segment_options file)
{
    tarn_segment_pool_options how = {.block_size = sizeof(struct job), .capacity = 100};
    tarn_block list;
    if (tarn_segment_init(s, &file) == TARN_OK &&
        tarn_segment_open_pool(s, "jobs", &how, jobs) == TARN_OK &&
        tarn_segment_open_memory(s, "list", sizeof(struct job), &list) == TARN_OK)
        return list.ptr;
    exit(puts(tarn_segment_why(s)) < 0 ? 2 : 1);
}

static bool give_back(void *jobs, void *block, uint32_t mark)
{
    tarn_segment_pool_free(jobs, block);
    return printf("number %u left a block behind\n", (unsigned)mark) > 0;
}

int main(void)
{
    tarn_segment s;
    tarn_segment_pool jobs;
    struct job *list = open_jobs(&s, &jobs, (tarn_segment_options){.kind = TARN_FILE_MEMORY}), *j;
    pid_t other = fork();
    if (other == 0) { /* opens it for itself, links three jobs, takes a fourth and dies with it */
        tarn_segment_options file = {.kind = TARN_FILE_HANDLE, .fd = tarn_file_handle(&s.file)};
        list = open_jobs(&s, &jobs, file);
        for (int i = 1; (j = tarn_segment_pool_alloc(&jobs)) != NULL && i <= 3; i++) {
            j->number = i;
            TARN_OFFSET_SET(j->next, TARN_OFFSET_GET(list->next));
            TARN_OFFSET_SET(list->next, j);
            tarn_segment_pool_publish(&jobs, j); /* from here on it is anyone's */
        }
        (void)kill(getpid(), SIGKILL);
    }
    (void)waitpid(other, NULL, 0);
    int sum = 0;
    for (j = list; j != NULL; j = TARN_OFFSET_GET(j->next))
        sum += j->number; /* the head's is 0 */
    tarn_segment_orphans(&s, &jobs, give_back, &jobs);
    printf("sum of the jobs: %d\n", sum);
    tarn_segment_deinit(&s);
    return sum == 6 ? 0 : 1;
}
