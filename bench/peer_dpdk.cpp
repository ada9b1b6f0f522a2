/* SPDX-License-Identifier: MIT */
/* DPDK's rte_mempool. A worker of its own: it wants the environment layer started, here without
 * huge pages or devices. Its main thread has a cache of 256 objects, which all these figures go
 * through. */
#include "cases_blocks.hpp"

#include <sched.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mempool.h>

namespace
{

/* Its one thread, on whichever CPUs this process may use: it would pin itself to one otherwise. */
std::string floating_core()
{
    std::string cpus;
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &set)) {
            cpus += (cpus.empty() ? "" : ",") + std::to_string(i);
        }
    }
    return "--lcores=0@(" + cpus + ")";
}

void start_environment()
{
    static bool started = false;
    std::string core = floating_core();
    const char *words[] = {"bench",          "--no-huge",   "--no-pci",   "-m",          "512",
                           "--no-telemetry", "--no-shconf", core.c_str(), "--log-level", "*:error"};
    if (started) {
        return;
    }
    char *argv[sizeof words / sizeof words[0]];
    int argc = 0;
    for (const char *word : words) {
        argv[argc++] = strdup(word);
    }
    bench::must(rte_eal_init(argc, argv) >= 0, "rte_eal_init refused");
    started = true;
}

class dpdk_pool
{
    rte_mempool *pool;

  public:
    dpdk_pool(size_t block, size_t capacity)
    {
        start_environment();
        unsigned count = static_cast<unsigned>(capacity < 8192 ? 8192 : capacity);
        pool = rte_mempool_create("blocks", count, static_cast<unsigned>(block), 256, 0, nullptr,
                                  nullptr, nullptr, nullptr, SOCKET_ID_ANY, 0);
        bench::must(pool != nullptr, "rte_mempool_create refused");
    }
    ~dpdk_pool()
    {
        rte_mempool_free(pool);
    }
    dpdk_pool(const dpdk_pool &) = delete;
    dpdk_pool &operator=(const dpdk_pool &) = delete;
    void *alloc()
    {
        void *block = nullptr;
        return rte_mempool_get(pool, &block) == 0 ? block : nullptr;
    }
    void free(void *p)
    {
        rte_mempool_put(pool, p);
    }
    void alloc_batch(void **out, size_t count)
    {
        bench::must(rte_mempool_get_bulk(pool, out, static_cast<unsigned>(count)) == 0,
                    "rte_mempool is empty");
    }
    void free_batch(void **blocks, size_t count)
    {
        rte_mempool_put_bulk(pool, blocks, static_cast<unsigned>(count));
    }
};

const bool entered = [] {
    bench::enter_hot<dpdk_pool>("rte_mempool");
    bench::enter("batch", "rte_mempool", bench::batch<dpdk_pool, 64>);
    bench::enter("refill_1e5", "rte_mempool", bench::refill<dpdk_pool, 64, 100000>);
    bench::enter("refill_1e6", "rte_mempool", bench::refill<dpdk_pool, 64, 1000000>);
    bench::enter("replace_1e6", "rte_mempool", bench::replace<dpdk_pool, 64, 1000000>);
    return true;
}();

} // namespace
