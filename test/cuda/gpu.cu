/* SPDX-License-Identifier: MIT */
/* Memory of a GPU as a source: CUDA's virtual memory calls behind callbacks, divided by a range that touches nothing. */
#include <cuda.h>
#include <stdio.h>

#include <tarn/tarn.h>

struct gpu {
    CUmemAllocationProp prop;
    CUmemGenericAllocationHandle handle; /* of the one region that this example has */
};

static tarn_status gpu_map(void *user, size_t size, size_t align, uint32_t, tarn_region *out)
{
    gpu *g = static_cast<gpu *>(user);
    CUdeviceptr at = 0;
    CUmemAccessDesc access = {g->prop.location, CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    if (cuMemAddressReserve(&at, size, align, 0, 0) != CUDA_SUCCESS)
        return TARN_NO_MEMORY;
    if (cuMemCreate(&g->handle, size, &g->prop, 0) == CUDA_SUCCESS) {
        if (cuMemMap(at, size, 0, g->handle, 0) == CUDA_SUCCESS) {
            if (cuMemSetAccess(at, size, &access, 1) == CUDA_SUCCESS) {
                out->ptr = reinterpret_cast<void *>(at);
                out->traits &= ~uint32_t(TARN_REGION_COMMITTED); /* not for the processor */
                return TARN_OK;
            }
            cuMemUnmap(at, size);
        }
        cuMemRelease(g->handle);
    }
    cuMemAddressFree(at, size);
    return TARN_NO_MEMORY;
}

static void gpu_unmap(void *user, void *ptr, size_t size, size_t)
{
    CUdeviceptr at = reinterpret_cast<CUdeviceptr>(ptr);
    cuMemUnmap(at, size);
    cuMemRelease(static_cast<gpu *>(user)->handle);
    cuMemAddressFree(at, size);
}

int main()
{
    gpu g = {};
    CUdevice device;
    tarn_callbacks_options options = {};
    if (cuInit(0) != CUDA_SUCCESS || cuDeviceGet(&device, 0) != CUDA_SUCCESS)
        return puts("no device"), 0;
    g.prop.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    g.prop.location = {CU_MEM_LOCATION_TYPE_DEVICE, device};
    cuMemGetAllocationGranularity(&options.granule, &g.prop, CU_MEM_ALLOC_GRANULARITY_MINIMUM);
    options.map = gpu_map;
    options.unmap = gpu_unmap;
    options.user = &g;

    tarn_callbacks memory;
    tarn_region region;
    if (tarn_callbacks_init(&memory, &options) != TARN_OK ||
        tarn_source_map(&memory.source, 64u << 20, 1, 0, &region) != TARN_OK)
        return fprintf(stderr, "no memory: %s\n", tarn_callbacks_why(&memory)), 1;

    tarn_space space; /* units are bytes of the region; what is known of them is in libc's memory */
    tarn_space_options how = {};
    how.units = region.size;
    tarn_range_block a, b;
    if (tarn_space_init(&space, &how) != TARN_OK ||
        tarn_range_alloc(&space.range, 1000000, 256, 0, &a) != TARN_OK ||
        tarn_range_alloc(&space.range, 5000, 512, 0, &b) != TARN_OK)
        return 1;
    printf("buffers of the device at +%zu and +%zu\n", size_t(a.offset), size_t(b.offset));
    tarn_range_free(&space.range, a.id);
    tarn_range_free(&space.range, b.id);
    tarn_space_deinit(&space);
    tarn_source_unmap(&memory.source, region.ptr, region.size, 1);
    tarn_callbacks_deinit(&memory);
    return 0;
}
