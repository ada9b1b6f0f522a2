// SPDX-License-Identifier: MIT
/*
 * driver.cpp - a stand-in for CUDA's driver where there is no GPU: the calls that test/cuda/gpu.cu makes, with the
 * addresses reserved and never accessible. Whoever touches one dies; whoever leaves something behind is told at exit.
 */
#include <cstdio>
#include <cstdlib>
#include <cuda.h>
#include <sys/mman.h>

namespace
{

const size_t granule = size_t(2) << 20;
struct counts {
    int reserved, created, mapped, accessible;
    ~counts()
    {
        if (reserved != 0 || created != 0 || mapped != 0) {
            fprintf(stderr, "left behind: %d reserved, %d created, %d mapped\n", reserved, created,
                    mapped);
            _Exit(1);
        }
        if (accessible != 1) {
            fprintf(stderr, "nothing was made accessible\n");
            _Exit(1);
        }
    }
} now;

CUresult judge(bool good)
{
    return good ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

} // namespace

extern "C" {

CUresult CUDAAPI cuInit(unsigned)
{
    return CUDA_SUCCESS;
}

CUresult CUDAAPI cuDeviceGet(CUdevice *device, int)
{
    *device = 0;
    return CUDA_SUCCESS;
}

CUresult CUDAAPI cuMemGetAllocationGranularity(size_t *size, const CUmemAllocationProp *prop,
                                               CUmemAllocationGranularity_flags)
{
    *size = granule;
    return judge(prop->type == CU_MEM_ALLOCATION_TYPE_PINNED);
}

CUresult CUDAAPI cuMemAddressReserve(CUdeviceptr *at, size_t size, size_t align, CUdeviceptr,
                                     unsigned long long)
{
    void *p =
        mmap(nullptr, size + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    now.reserved++;
    *at = (reinterpret_cast<CUdeviceptr>(p) + align - 1) & ~CUdeviceptr(align - 1);
    return judge(p != MAP_FAILED && size % granule == 0);
}

CUresult CUDAAPI cuMemCreate(CUmemGenericAllocationHandle *handle, size_t size,
                             const CUmemAllocationProp *, unsigned long long)
{
    now.created++;
    *handle = 42;
    return judge(size % granule == 0);
}

CUresult CUDAAPI cuMemMap(CUdeviceptr at, size_t, size_t, CUmemGenericAllocationHandle handle,
                          unsigned long long)
{
    now.mapped++;
    return judge(at % granule == 0 && handle == 42);
}

CUresult CUDAAPI cuMemSetAccess(CUdeviceptr, size_t, const CUmemAccessDesc *desc, size_t count)
{
    now.accessible++;
    return judge(count == 1 && desc->flags == CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
}

CUresult CUDAAPI cuMemUnmap(CUdeviceptr, size_t)
{
    now.mapped--;
    return CUDA_SUCCESS;
}

CUresult CUDAAPI cuMemRelease(CUmemGenericAllocationHandle handle)
{
    now.created--;
    return judge(handle == 42);
}

CUresult CUDAAPI cuMemAddressFree(CUdeviceptr, size_t)
{
    now.reserved--;
    return CUDA_SUCCESS;
}
}
