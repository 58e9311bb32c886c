// Loops of Fused.cpp, compiled once for each instruction set: Fused.cpp includes this file several
// times, each time inside another namespace and under other target attributes. So there is no
// include guard, and nothing here calls into libtorch.
//
// Arithmetic is float32 whatever the tensors hold. Reductions are spread over lanes by hand, for the
// compiler may not reorder a sum of floats by itself.

constexpr int64_t lanes = 16;

static inline float load(const float *x) { return *x; }
static inline float load(const c10::BFloat16 *x) {
    uint16_t raw;
    std::memcpy(&raw, x, sizeof raw);
    const uint32_t bits = static_cast<uint32_t>(raw) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

static inline void store(float *x, float value) { *x = value; }
static inline void store(c10::BFloat16 *x, float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    // To the nearest, ties to even; what is not a number stays so.
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    const auto raw = static_cast<uint16_t>(value != value ? 0x7fc0u : rounded);
    std::memcpy(x, &raw, sizeof raw);
}

static inline float sum_of(const float *partial) {
    float total = 0;
    for (int64_t lane = 0; lane < lanes; ++lane) total += partial[lane];
    return total;
}

/// Factors 0 or 1/(1-p) of elements `first`, `first` + 1, …; `first` is a multiple of four.
static void keep_factors(float *factors, int64_t first, int64_t count, const Mask &mask) {
    const int64_t start = first / 4;
    for (int64_t group = 0; group < (count + 3) / 4; ++group) {
        const uint64_t bits =
            mix(mask.origin + static_cast<uint64_t>(start + group) * 0x9e3779b97f4a7c15ULL);
        for (int64_t i = 0; i < 4; ++i) {
            const auto draw = static_cast<uint32_t>(bits >> (16 * i)) & 0xffffu;
            factors[group * 4 + i] = draw < mask.threshold ? 0.0f : mask.kept;
        }
    }
}

// Residual and normalization --------------------------------------------------------------------

/// For rows `begin` ..< `end`: s = x · keep + residual, y = normalized s · weight + bias.
template <typename T>
static void residual_norm_forward(const NormShape &shape, const T *x, const T *residual,
                                  const float *weight, const float *bias, T *sums, T *y,
                                  float *means, float *deviations, int64_t begin, int64_t end,
                                  float *scratch) {
    const int64_t width = shape.width;
    float *row = scratch;
    float *keep = scratch + width;
    for (int64_t r = begin; r < end; ++r) {
        const T *in = x + r * width;
        const T *other = residual + r * width;
        T *sum = sums + r * width;
        if (shape.mask.threshold != 0) {
            keep_factors(keep, r * shape.padded_width, width, shape.mask);
            for (int64_t i = 0; i < width; ++i) {
                // Rounded first, for the backward pass starts from what is stored.
                store(sum + i, load(in + i) * keep[i] + load(other + i));
                row[i] = load(sum + i);
            }
        } else {
            for (int64_t i = 0; i < width; ++i) {
                store(sum + i, load(in + i) + load(other + i));
                row[i] = load(sum + i);
            }
        }
        float total[lanes] = {};
        int64_t i = 0;
        for (; i + lanes <= width; i += lanes) {
            for (int64_t lane = 0; lane < lanes; ++lane) total[lane] += row[i + lane];
        }
        for (; i < width; ++i) total[0] += row[i];
        const float mean = sum_of(total) / static_cast<float>(width);
        float squares[lanes] = {};
        for (i = 0; i + lanes <= width; i += lanes) {
            for (int64_t lane = 0; lane < lanes; ++lane) {
                const float centred = row[i + lane] - mean;
                squares[lane] += centred * centred;
            }
        }
        for (; i < width; ++i) squares[0] += (row[i] - mean) * (row[i] - mean);
        const float variance = sum_of(squares) / static_cast<float>(width);
        const float inverse = 1.0f / std::sqrt(variance + shape.epsilon);
        means[r] = mean;
        deviations[r] = inverse;
        T *out = y + r * width;
        for (i = 0; i < width; ++i) {
            store(out + i, (row[i] - mean) * inverse * weight[i] + bias[i]);
        }
    }
}

/// The gradients of `residual_norm_forward` for that of y and, where it is not null, that of s;
/// `weight_slope` and `bias_slope` are added to, or null.
template <typename T>
static void residual_norm_backward(const NormShape &shape, const T *grad_output, const T *grad_sum,
                                   const T *sums,
                                   const float *weight, const float *means,
                                   const float *deviations, T *grad_x, T *residual_slope,
                                   float *weight_slope, float *bias_slope, int64_t begin,
                                   int64_t end, float *scratch) {
    const int64_t width = shape.width;
    float *normal = scratch;
    float *scaled = scratch + width;
    float *keep = scratch + 2 * width;
    for (int64_t r = begin; r < end; ++r) {
        const T *out = grad_output + r * width;
        const T *sum = sums + r * width;
        const float mean = means[r];
        const float inverse = deviations[r];
        for (int64_t i = 0; i < width; ++i) {
            normal[i] = (load(sum + i) - mean) * inverse;
            scaled[i] = load(out + i) * weight[i];
        }
        if (weight_slope != nullptr) {
            for (int64_t i = 0; i < width; ++i) weight_slope[i] += load(out + i) * normal[i];
        }
        if (bias_slope != nullptr) {
            for (int64_t i = 0; i < width; ++i) bias_slope[i] += load(out + i);
        }
        float plain[lanes] = {};
        float along[lanes] = {};
        int64_t i = 0;
        for (; i + lanes <= width; i += lanes) {
            for (int64_t lane = 0; lane < lanes; ++lane) {
                plain[lane] += scaled[i + lane];
                along[lane] += scaled[i + lane] * normal[i + lane];
            }
        }
        for (; i < width; ++i) {
            plain[0] += scaled[i];
            along[0] += scaled[i] * normal[i];
        }
        const float shift = sum_of(plain) / static_cast<float>(width);
        const float tilt = sum_of(along) / static_cast<float>(width);
        T *to_residual = residual_slope + r * width;
        for (i = 0; i < width; ++i) {
            scaled[i] = inverse * (scaled[i] - shift - normal[i] * tilt);
        }
        if (grad_sum != nullptr) {
            const T *direct = grad_sum + r * width;
            for (i = 0; i < width; ++i) scaled[i] += load(direct + i);
        }
        for (i = 0; i < width; ++i) store(to_residual + i, scaled[i]);
        if (shape.mask.threshold != 0) {
            T *to_x = grad_x + r * width;
            keep_factors(keep, r * shape.padded_width, width, shape.mask);
            for (i = 0; i < width; ++i) store(to_x + i, scaled[i] * keep[i]);
        }
    }
}

/// e^x for x of at most 0, to about one unit in the last place.
static inline float exponential(float x) {
    x = x < -87.0f ? -87.0f : x;
    // Adding and taking away 1.5 · 2²³ rounds to an integer.
    const float n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    const float value = p * r * r + r + 1.0f;
    const int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
    float scale;
    std::memcpy(&scale, &bits, sizeof scale);
    return value * scale;
}

// Quick GELU --------------------------------------------------------------------------------------

/// 1 / (1 + e^-x), without overflow on either side.
static inline float logistic(float x) {
    const float small = exponential(x < 0 ? x : -x);
    return (x < 0 ? small : 1.0f) / (1.0f + small);
}

/// y = x σ(1.702 x) for elements `begin` ..< `end`.
template <typename T>
static void quick_gelu_forward(const T *x, T *y, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
        const float value = load(x + i);
        store(y + i, value * logistic(1.702f * value));
    }
}

/// The gradient of x for that of y: dy (σ + 1.702 x σ (1 - σ)).
template <typename T>
static void quick_gelu_backward(const T *x, const T *grad_output, T *grad_x, int64_t begin,
                                int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
        const float value = 1.702f * load(x + i);
        const float share = logistic(value);
        store(grad_x + i, load(grad_output + i) * share * (1.0f + value * (1.0f - share)));
    }
}

// Attention ---------------------------------------------------------------------------------------

using Lane = float __attribute__((vector_size(64), aligned(4)));

/// `C` = `A` `B` for a block of `Rows` rows and `Columns` · 16 columns, kept in registers.
template <int Rows, int Columns>
static inline void product_block(int64_t depth, const float *a, int64_t row_stride,
                                 int64_t depth_stride, const float *b, int64_t b_stride, float *c,
                                 int64_t c_stride) {
    Lane sums[Rows][Columns];
    for (int r = 0; r < Rows; ++r) {
        for (int j = 0; j < Columns; ++j) sums[r][j] = Lane{};
    }
    for (int64_t k = 0; k < depth; ++k) {
        Lane right[Columns];
        for (int j = 0; j < Columns; ++j) {
            std::memcpy(&right[j], b + k * b_stride + j * lanes, sizeof(Lane));
        }
        for (int r = 0; r < Rows; ++r) {
            const float left = a[r * row_stride + k * depth_stride];
            for (int j = 0; j < Columns; ++j) sums[r][j] += left * right[j];
        }
    }
    for (int r = 0; r < Rows; ++r) {
        for (int j = 0; j < Columns; ++j) {
            std::memcpy(c + r * c_stride + j * lanes, &sums[r][j], sizeof(Lane));
        }
    }
}

template <int Columns>
static inline void product_columns(int64_t rows, int64_t depth, const float *a, int64_t row_stride,
                                   int64_t depth_stride, const float *b, int64_t b_stride,
                                   float *c, int64_t c_stride) {
    int64_t r = 0;
    for (; r + block_rows <= rows; r += block_rows) {
        product_block<block_rows, Columns>(depth, a + r * row_stride, row_stride, depth_stride, b,
                                           b_stride, c + r * c_stride, c_stride);
    }
    for (; r < rows; ++r) {
        product_block<1, Columns>(depth, a + r * row_stride, row_stride, depth_stride, b, b_stride,
                                  c + r * c_stride, c_stride);
    }
}

/// `C` [rows, columns] = `A` [rows, depth] `B` [depth, columns]; `columns` is a multiple of 16, and
/// `A` may lie transposed.
static void product(int64_t rows, int64_t columns, int64_t depth, const float *a,
                    int64_t row_stride, int64_t depth_stride, const float *b, int64_t b_stride,
                    float *c, int64_t c_stride) {
    int64_t j = 0;
    for (; j + block_columns * lanes <= columns; j += block_columns * lanes) {
        product_columns<block_columns>(rows, depth, a, row_stride, depth_stride, b + j, b_stride,
                                       c + j, c_stride);
    }
    for (; block_columns > 2 && j + 2 * lanes <= columns; j += 2 * lanes) {
        product_columns<2>(rows, depth, a, row_stride, depth_stride, b + j, b_stride, c + j,
                           c_stride);
    }
    for (; j < columns; j += lanes) {
        product_columns<1>(rows, depth, a, row_stride, depth_stride, b + j, b_stride, c + j,
                           c_stride);
    }
}

/// One head of one sequence, its parts as float32.
struct Head {
    int64_t length;         // tokens
    int64_t padded_length;  // rounded up to whole lanes
    int64_t size;           // numbers of a head
    int64_t padded_size;

    explicit Head(int64_t length, int64_t size)
        : length(length), padded_length((length + lanes - 1) / lanes * lanes), size(size),
          padded_size((size + lanes - 1) / lanes * lanes) {}

    /// Copies [length, size] out of rows `stride` apart, as it is.
    template <typename T>
    void copy(const T *from, int64_t stride, float scale, float *to) const {
        for (int64_t i = 0; i < length; ++i) {
            for (int64_t c = 0; c < size; ++c) {
                to[i * padded_size + c] = load(from + i * stride + c) * scale;
            }
            for (int64_t c = size; c < padded_size; ++c) to[i * padded_size + c] = 0;
        }
    }

    /// The transpose of a copy: [size, padded length], zeros behind the length.
    void transpose(const float *from, float *to) const {
        for (int64_t c = 0; c < size; ++c) {
            for (int64_t i = 0; i < length; ++i) {
                to[c * padded_length + i] = from[i * padded_size + c];
            }
            for (int64_t i = length; i < padded_length; ++i) to[c * padded_length + i] = 0;
        }
    }

    /// Puts a copy back among rows `stride` apart.
    template <typename T>
    void put(const float *from, float scale, T *to, int64_t stride) const {
        for (int64_t i = 0; i < length; ++i) {
            for (int64_t c = 0; c < size; ++c) {
                store(to + i * stride + c, from[i * padded_size + c] * scale);
            }
        }
    }

    int64_t square() const { return length * padded_length; }
    int64_t block() const { return length * padded_size; }
    int64_t transposed_block() const { return size * padded_length; }
};

/// Probabilities [length, padded length] of scaled queries and transposed keys.
static void probabilities(const Head &head, bool is_causal, const float *queries,
                          const float *keys, float *out) {
    product(head.length, head.padded_length, head.size, queries, head.padded_size, 1, keys,
            head.padded_length, out, head.padded_length);
    for (int64_t i = 0; i < head.length; ++i) {
        float *row = out + i * head.padded_length;
        const int64_t seen = is_causal ? i + 1 : head.length;
        float top = row[0];
        for (int64_t j = 1; j < seen; ++j) top = row[j] > top ? row[j] : top;
        for (int64_t j = 0; j < seen; ++j) row[j] = exponential(row[j] - top);
        for (int64_t j = seen; j < head.padded_length; ++j) row[j] = 0;
        float partial[lanes] = {};
        for (int64_t j = 0; j < head.padded_length; j += lanes) {
            for (int64_t lane = 0; lane < lanes; ++lane) partial[lane] += row[j + lane];
        }
        const float inverse = 1.0f / sum_of(partial);
        for (int64_t j = 0; j < head.padded_length; ++j) row[j] *= inverse;
    }
}

/// The elements of a mask that belong to query `i` of a head.
static inline int64_t mask_place(const AttentionShape &shape, int64_t token, int64_t head) {
    return (token * shape.heads + head) * shape.padded_width;
}

template <typename T>
static void attention_forward(const AttentionShape &shape, const T *projected, T *attended,
                              int64_t begin, int64_t end, float *scratch) {
    const int64_t hidden = shape.heads * shape.size;
    for (int64_t item = begin; item < end; ++item) {
        const int64_t start = shape.offsets[item / shape.heads];
        const int64_t number = item % shape.heads;
        const Head head(shape.offsets[item / shape.heads + 1] - start, shape.size);
        const T *source = projected + start * 3 * hidden + number * shape.size;
        float *queries = scratch;
        float *keys = queries + head.block();
        float *transposed = keys + head.block();
        float *values = transposed + head.transposed_block();
        float *chances = values + head.block();
        float *keep = chances + head.square();
        head.copy(source, 3 * hidden, shape.scale, queries);
        head.copy(source + hidden, 3 * hidden, 1.0f, keys);
        head.copy(source + 2 * hidden, 3 * hidden, 1.0f, values);
        head.transpose(keys, transposed);
        probabilities(head, shape.is_causal, queries, transposed, chances);
        if (shape.mask.threshold != 0) {
            for (int64_t i = 0; i < head.length; ++i) {
                keep_factors(keep, mask_place(shape, start + i, number), head.length, shape.mask);
                float *row = chances + i * head.padded_length;
                for (int64_t j = 0; j < head.length; ++j) row[j] *= keep[j];
            }
        }
        product(head.length, head.padded_size, head.length, chances, head.padded_length, 1, values,
                head.padded_size, queries, head.padded_size);
        head.put(queries, 1.0f, attended + start * hidden + number * shape.size, hidden);
    }
}

template <typename T>
static void attention_backward(const AttentionShape &shape, const T *projected, const T *grad_output,
                               T *projected_slope, int64_t begin, int64_t end, float *scratch) {
    const int64_t hidden = shape.heads * shape.size;
    for (int64_t item = begin; item < end; ++item) {
        const int64_t start = shape.offsets[item / shape.heads];
        const int64_t number = item % shape.heads;
        const Head head(shape.offsets[item / shape.heads + 1] - start, shape.size);
        const T *source = projected + start * 3 * hidden + number * shape.size;
        T *target = projected_slope + start * 3 * hidden + number * shape.size;
        float *queries = scratch;
        float *keys = queries + head.block();
        float *values = keys + head.block();
        float *out = values + head.block();
        float *transposed = out + head.block();
        float *result = transposed + head.transposed_block();
        float *chances = result + head.block();
        float *kept = chances + head.square();
        float *grad_scores = kept + head.square();
        float *keep = grad_scores + head.square();
        head.copy(source, 3 * hidden, shape.scale, queries);
        head.copy(source + hidden, 3 * hidden, 1.0f, keys);
        head.copy(source + 2 * hidden, 3 * hidden, 1.0f, values);
        head.copy(grad_output + start * hidden + number * shape.size, hidden, 1.0f, out);
        head.transpose(keys, transposed);
        probabilities(head, shape.is_causal, queries, transposed, chances);
        head.transpose(values, transposed);
        product(head.length, head.padded_length, head.size, out, head.padded_size, 1, transposed,
                head.padded_length, grad_scores, head.padded_length);
        const bool drops = shape.mask.threshold != 0;
        for (int64_t i = 0; i < head.length; ++i) {
            const float *row = chances + i * head.padded_length;
            float *kept_row = kept + i * head.padded_length;
            float *grad_row = grad_scores + i * head.padded_length;
            if (drops) {
                keep_factors(keep, mask_place(shape, start + i, number), head.length, shape.mask);
                for (int64_t j = head.length; j < head.padded_length; ++j) keep[j] = 0;
                for (int64_t j = 0; j < head.padded_length; ++j) {
                    kept_row[j] = row[j] * keep[j];
                    grad_row[j] *= keep[j];
                }
            } else {
                for (int64_t j = 0; j < head.padded_length; ++j) kept_row[j] = row[j];
            }
            float partial[lanes] = {};
            for (int64_t j = 0; j < head.padded_length; j += lanes) {
                for (int64_t lane = 0; lane < lanes; ++lane) {
                    partial[lane] += row[j + lane] * grad_row[j + lane];
                }
            }
            const float mean = sum_of(partial);
            for (int64_t j = 0; j < head.padded_length; ++j) {
                grad_row[j] = row[j] * (grad_row[j] - mean);
            }
        }
        // Values: (P · keep)ᵀ dO. Queries: dS K. Keys: dSᵀ Q.
        product(head.length, head.padded_size, head.length, kept, 1, head.padded_length, out,
                head.padded_size, result, head.padded_size);
        head.put(result, 1.0f, target + 2 * hidden, 3 * hidden);
        product(head.length, head.padded_size, head.length, grad_scores, head.padded_length, 1, keys,
                head.padded_size, result, head.padded_size);
        head.put(result, shape.scale, target, 3 * hidden);
        product(head.length, head.padded_size, head.length, grad_scores, 1, head.padded_length, queries,
                head.padded_size, result, head.padded_size);
        head.put(result, 1.0f, target + hidden, 3 * hidden);
    }
}
