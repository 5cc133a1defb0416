#pragma once

#include <cstdint>
#include <memory>

#include "valley/models/registry.h"

namespace valley {

/// Transformer that reads a text and says at every place what comes next: GPT-2's layout, L blocks
/// of width W, heads of 64 (of W, if that is less), each looking at what stands before it, learned
/// positions, no dropout. Tokens [B, t], t <= T, become x = wte[token] + wpe[place]; a block is
///
///     x <- x + c_proj(attention(c_attn(ln_1(x))))    attention(q, k, v) = softmax(q k^T / sqrt(d)
///                                                    where the key is not later than the query) v
///     x <- x + c_proj(gelu(c_fc(ln_2(x))))           c_fc: W -> 4 W
///
/// and the logits are ln_f(x) wte^T: the head is the embedding. gelu by its tanh formula, epsilon
/// of the norms 1e-5.
///
/// Names and shapes are those of GPT-2 as the package transformers has it: wte.weight [V, W],
/// wpe.weight [T, W], h.0.ln_1, h.0.attn.c_attn, h.0.attn.c_proj, h.0.ln_2, h.0.mlp.c_fc,
/// h.0.mlp.c_proj, ..., ln_f; but there a weight of h.0.attn and h.0.mlp lies transposed, [in,
/// out], here [out, in] as in nn.Linear.
///
///     (V + T + 2) W + L (12 W + 13) W    parameters: 124,439,808 for L = 12, W = 768, V = 50257
///                                        and T = 1024; 842,496 for gpt-4-128, V = 256, T = 128
///
/// Weights start normal with standard deviation 0.02, those of c_proj with 0.02 / sqrt(2 L), biases
/// at 0, norms at the identity. Attention is written in matmul and softmax, which can be
/// differentiated twice; the fused kernels cannot.
///
/// For text. Cost of attention: T^2 W a block and example.
/// Reference: Radford, Wu, Child, Luan, Amodei and Sutskever, "Language Models are Unsupervised
/// Multitask Learners", 2019.
/// @throws UsageError for no layers, more than 1000, or a width of more than 64 that is no multiple
///     of it.
std::unique_ptr<Model> make_gpt(const ModelOptions& options, int64_t layers, int64_t width);

}  // namespace valley
