/* SPDX-License-Identifier: MIT */
/* shared_pool.c - one thread makes jobs, another does them: blocks go out here and come back there, without a lock of
 * the pool's in between. */
#include <pthread.h>
#include <stdio.h>

#include <tarn/tarn.h>

struct job {
    struct job *next;
    int number;
};

static tarn_shared_pool pool;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct job *queue;

static void *work(void *sum)
{
    for (int done = 0; done < 1000;) {
        pthread_mutex_lock(&mutex);
        struct job *j = queue;
        queue = NULL;
        pthread_mutex_unlock(&mutex);
        for (struct job *next; j != NULL; j = next, done++) {
            next = j->next;
            *(long *)sum += j->number;
            tarn_shared_pool_free(&pool, j); /* goes home with the next 63 */
        }
    }
    return NULL;
}

int main(void)
{
    pthread_t worker;
    tarn_shared_cache cache; /* this thread's own: no look-up for each block */
    long sum = 0;
    if (tarn_shared_pool_init(&pool, &(tarn_shared_pool_options){.block_size = sizeof(struct job),
                                                                 .name = "jobs"}) != TARN_OK ||
        pthread_create(&worker, NULL, work, &sum) != 0)
        return 1;
    tarn_shared_cache_init(&cache, &pool);
    if (tarn_shared_cache_reserve(&cache, 1000) != TARN_OK) /* none of the next 1000 can fail */
        return 1;
    for (int i = 0; i < 1000; i++) {
        struct job *j = tarn_shared_cache_alloc(&cache);
        j->number = i;
        pthread_mutex_lock(&mutex);
        j->next = queue;
        queue = j;
        pthread_mutex_unlock(&mutex);
    }
    pthread_join(worker, NULL);
    tarn_shared_cache_deinit(&cache);
    tarn_shared_pool_deinit(&pool);
    printf("1000 jobs, their sum is %ld\n", sum);
    return sum != 499500;
}
