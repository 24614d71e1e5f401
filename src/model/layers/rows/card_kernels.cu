#include "model/layers/rows/card_kernels.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <cuda_runtime.h>
#include <cfloat>

#include <stdexcept>
#include <string>

namespace derrumbe::model::rows::card {

namespace {

constexpr int kThreads = 512;  ///< of a block at most; a block works on one row

__device__ float asFloat(float x) {
    return x;
}
__device__ float asFloat(__half x) {
    return __half2float(x);
}
__device__ float asFloat(__nv_bfloat16 x) {
    return __bfloat162float(x);
}

template <class T>
__device__ T rounded(float x);
template <>
__device__ float rounded<float>(float x) {
    return x;
}
template <>
__device__ __half rounded<__half>(float x) {
    return __float2half_rn(x);
}
template <>
__device__ __nv_bfloat16 rounded<__nv_bfloat16>(float x) {
    return __float2bfloat16_rn(x);
}

/// Eight numbers as they lie in memory, moved 16 bytes at a time.
template <class T>
struct alignas(16) Vector {
    T values[kVector];
};

template <class T>
__device__ void read(const T* from, float (&to)[kVector]) {
    const Vector<T> raw = *reinterpret_cast<const Vector<T>*>(from);
#pragma unroll
    for (int i = 0; i < kVector; ++i) to[i] = asFloat(raw.values[i]);
}

template <class T>
__device__ void write(const float (&from)[kVector], T* to) {
    Vector<T> raw;
#pragma unroll
    for (int i = 0; i < kVector; ++i) raw.values[i] = rounded<T>(from[i]);
    *reinterpret_cast<Vector<T>*>(to) = raw;
}

/// join(join(a, b), ...) over all threads of the block, in all of them.
template <class Join>
__device__ float ofBlock(float value, const Join& join) {
    __shared__ float warps[kThreads / 32];
#pragma unroll
    for (int offset = 16; offset > 0; offset /= 2)
        value = join(value, __shfl_xor_sync(~0u, value, offset));
    __syncthreads();  // what was joined before has been read
    if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = value;
    __syncthreads();
    float all = warps[0];
    for (unsigned warp = 1; warp < blockDim.x / 32; ++warp) all = join(all, warps[warp]);
    return all;
}

__device__ float blockSum(float value) {
    return ofBlock(value, [](float a, float b) { return a + b; });
}

/// Where the block's row begins.
template <class T>
__device__ T* rowOf(const Rows& rows) {
    const auto length = static_cast<unsigned>(rows.length);  // 64 bits are slow to divide by
    return static_cast<T*>(rows.data) + blockIdx.x / length * rows.batchStride +
           blockIdx.x % length * rows.width;
}

/// The first channel of a thread's vector number `n`.
__device__ int channelOf(int n) {
    return static_cast<int>((n * blockDim.x + threadIdx.x) * kVector);
}

template <class T, int N>
__global__ void __launch_bounds__(kThreads)
    layerNormRows(Rows x, Rows to, const float* weight, const float* bias, float eps) {
    const T* from = rowOf<const T>(x);
    T* out = rowOf<T>(to);
    const int width = static_cast<int>(x.width);
    float values[N][kVector], sum = 0;
#pragma unroll
    for (int n = 0; n < N; ++n) {
        if (channelOf(n) >= width) continue;
        read(from + channelOf(n), values[n]);
#pragma unroll
        for (int i = 0; i < kVector; ++i) sum += values[n][i];
    }
    const float mean = blockSum(sum) / width;
    float squares = 0;
#pragma unroll
    for (int n = 0; n < N; ++n) {
        if (channelOf(n) >= width) continue;
#pragma unroll
        for (int i = 0; i < kVector; ++i) {
            values[n][i] -= mean;
            squares += values[n][i] * values[n][i];
        }
    }
    const float factor = rsqrtf(blockSum(squares) / width + eps);
#pragma unroll
    for (int n = 0; n < N; ++n) {
        if (channelOf(n) >= width) continue;
        float scale[kVector], shift[kVector];
#pragma unroll
        for (int i = 0; i < kVector; ++i) scale[i] = 1, shift[i] = 0;
        if (weight) read(weight + channelOf(n), scale);
        if (bias) read(bias + channelOf(n), shift);
#pragma unroll
        for (int i = 0; i < kVector; ++i)
            values[n][i] = values[n][i] * factor * scale[i] + shift[i];
        write(values[n], out + channelOf(n));
    }
}

template <class T, int N>
__global__ void __launch_bounds__(kThreads)
    rmsRotateRows(Rows x, Rows to, const float* gain, const float* table, int headSize, float eps) {
    const T* from = rowOf<const T>(x);
    T* out = rowOf<T>(to);
    const int width = static_cast<int>(x.width);
    float values[N][kVector], squares = 0;
#pragma unroll
    for (int n = 0; n < N; ++n) {
        if (channelOf(n) >= width) continue;
        read(from + channelOf(n), values[n]);
#pragma unroll
        for (int i = 0; i < kVector; ++i) squares += values[n][i] * values[n][i];
    }
    const float factor = rsqrtf(blockSum(squares) / width + eps);
    // A complex number a pair of channels: as many floats a token as a head has channels.
    const float* turns =
        table ? table + blockIdx.x % static_cast<unsigned>(x.length) * std::int64_t{headSize}
              : nullptr;
#pragma unroll
    for (int n = 0; n < N; ++n) {
        if (channelOf(n) >= width) continue;
        float gains[kVector];
#pragma unroll
        for (int i = 0; i < kVector; ++i) gains[i] = 1;
        if (gain) read(gain + channelOf(n), gains);
#pragma unroll
        for (int i = 0; i < kVector; ++i) values[n][i] *= gains[i] * factor;
        if (turns) {
            float turn[kVector];
            read(turns + channelOf(n) % headSize, turn);
#pragma unroll
            for (int i = 0; i < kVector; i += 2) {
                const float real = values[n][i], imaginary = values[n][i + 1];
                values[n][i] = real * turn[i] - imaginary * turn[i + 1];
                values[n][i + 1] = real * turn[i + 1] + imaginary * turn[i];
            }
        }
        write(values[n], out + channelOf(n));
    }
}

template <class T, int N>
__global__ void __launch_bounds__(kThreads) addGatedRows(Rows x, Rows y, const float* gate) {
    T* to = rowOf<T>(x);
    const T* from = rowOf<const T>(y);
#pragma unroll
    for (int n = 0; n < N; ++n) {
        if (channelOf(n) >= static_cast<int>(x.width)) continue;
        float sum[kVector], added[kVector], factor[kVector];
        read(to + channelOf(n), sum);
        read(from + channelOf(n), added);
        read(gate + channelOf(n), factor);
#pragma unroll
        for (int i = 0; i < kVector; ++i) sum[i] += added[i] * factor[i];
        write(sum, to + channelOf(n));
    }
}

/// The greater one; what is not a number stays.
__device__ float greater(float a, float b) {
    return a >= b || a != a ? a : b;
}

template <class T, int N>
__global__ void __launch_bounds__(kThreads)
    fp8RowsKernel(Rows x, __nv_fp8_storage_t* numbers, float* factors) {
    const T* from = rowOf<const T>(x);
    const int width = static_cast<int>(x.width);
    float values[N][kVector], most = 0;
#pragma unroll
    for (int n = 0; n < N; ++n) {
        if (channelOf(n) >= width) continue;
        read(from + channelOf(n), values[n]);
#pragma unroll
        for (int i = 0; i < kVector; ++i) most = greater(fabsf(values[n][i]), most);
    }
    most = ofBlock(most, [](float a, float b) { return greater(a, b); });
    const float factor = greater(most / 448, FLT_MIN);
    if (threadIdx.x == 0) factors[blockIdx.x] = factor;
    const float inverse = 1 / factor;
    __nv_fp8_storage_t* out = numbers + std::int64_t{blockIdx.x} * width;
#pragma unroll
    for (int n = 0; n < N; ++n) {
        if (channelOf(n) >= width) continue;
        struct alignas(8) Eight {
            __nv_fp8_storage_t values[kVector];
        } eight;
#pragma unroll
        for (int i = 0; i < kVector; ++i)
            eight.values[i] =
                __nv_cvt_float_to_fp8(values[n][i] * inverse, __NV_SATFINITE, __NV_E4M3);
        *reinterpret_cast<Eight*>(out + channelOf(n)) = eight;
    }
}

/// What a kernel is compiled for: the numbers' type, and how many vectors a thread works on.
template <class T, int N>
struct Form {
    using Type = T;
    static constexpr int vectors = N;
};

/// Calls kernel(Form, blocks, threads) with as few vectors a thread as the row needs.
template <class T, class Kernel>
void launchAs(const Rows& x, const Kernel& kernel) {
    const int vectors = static_cast<int>(x.width / kVector);
    const int each = (vectors + kThreads - 1) / kThreads;
    const int threads = ((vectors + each - 1) / each + 31) / 32 * 32;
    const dim3 blocks(static_cast<unsigned>(x.batches * x.length));
    if (each == 1)
        kernel(Form<T, 1>(), blocks, threads);
    else if (each == 2)
        kernel(Form<T, 2>(), blocks, threads);
    else if (each == 3)
        kernel(Form<T, 3>(), blocks, threads);
    else
        kernel(Form<T, 4>(), blocks, threads);
    if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess)
        throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(error));
}

template <class Kernel>
void launch(const Rows& x, const Kernel& kernel) {
    if (x.number == Number::Float)
        launchAs<float>(x, kernel);
    else if (x.number == Number::Half)
        launchAs<__half>(x, kernel);
    else
        launchAs<__nv_bfloat16>(x, kernel);
}

cudaStream_t asStream(void* stream) {
    return static_cast<cudaStream_t>(stream);
}

}  // namespace

void layerNorm(const Rows& x, const Rows& to, const float* weight, const float* bias, float eps,
               void* stream) {
    launch(x, [&](auto form, dim3 blocks, int threads) {
        using F = decltype(form);
        layerNormRows<typename F::Type, F::vectors>
            <<<blocks, threads, 0, asStream(stream)>>>(x, to, weight, bias, eps);
    });
}

void rmsRotate(const Rows& x, const Rows& to, const float* gain, const float* table,
               std::int64_t headSize, float eps, void* stream) {
    launch(x, [&](auto form, dim3 blocks, int threads) {
        using F = decltype(form);
        rmsRotateRows<typename F::Type, F::vectors><<<blocks, threads, 0, asStream(stream)>>>(
            x, to, gain, table, static_cast<int>(headSize), eps);
    });
}

void addGated(const Rows& x, const Rows& y, const float* gate, void* stream) {
    launch(x, [&](auto form, dim3 blocks, int threads) {
        using F = decltype(form);
        addGatedRows<typename F::Type, F::vectors>
            <<<blocks, threads, 0, asStream(stream)>>>(x, y, gate);
    });
}

void fp8Rows(const Rows& x, void* numbers, float* factors, void* stream) {
    launch(x, [&](auto form, dim3 blocks, int threads) {
        using F = decltype(form);
        fp8RowsKernel<typename F::Type, F::vectors><<<blocks, threads, 0, asStream(stream)>>>(
            x, static_cast<__nv_fp8_storage_t*>(numbers), factors);
    });
}

}  // namespace derrumbe::model::rows::card
