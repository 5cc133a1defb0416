#pragma once

#include <memory>

#include "valley/models/registry.h"

namespace valley {

/// Small vision transformer: patches of 4x4 pixels, 128 wide, 6 blocks, 4 heads of 32, a class
/// token in front of the N = (H / 4)(W / 4) patches, learned positions, no dropout. A block is
///
///     x <- x + proj(attention(norm1(x)))       attention(q, k, v) = softmax(q k^T / sqrt(32)) v
///     x <- x + fc2(gelu(fc1(norm2(x))))        fc1: 128 -> 512
///
/// and the class token of norm(x) goes into the head.
///
/// Names are those of timm's VisionTransformer: cls_token [1, 1, 128], pos_embed [1, N + 1, 128],
/// patch_embed.proj, blocks.0.norm1, blocks.0.attn.qkv, blocks.0.attn.proj, blocks.0.norm2,
/// blocks.0.mlp.fc1, blocks.0.mlp.fc2, ..., norm, head. 1,199,882 parameters for 1x28x28,
/// 1,205,898 for 3x32x32, 10 classes. The same layout with 12 blocks, 192 wide, on 16x16 patches of
/// 224x224 images with 1000 classes has the 5,717,416 of timm's vit_tiny_patch16_224.
///
/// Token and positions start normal with standard deviation 0.02, the rest as torch::nn leaves it.
/// Attention is written in matmul and softmax, which can be differentiated twice; the fused kernels
/// cannot.
///
/// For images whose sides are multiples of 4.
/// Reference: Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image
/// Recognition at Scale", ICLR 2021, arXiv:2010.11929. Sizes are ours.
/// @throws UsageError for other sides.
std::unique_ptr<Model> make_vit(const ModelOptions& options);

}  // namespace valley
