#pragma once

#include <memory>

#include "valley/models/registry.h"

namespace valley {

/// Bidirectional LSTM over the rows of the input, as for speech, where a row is one frame of
/// features: [C, H, W] is read as H steps of C * W values.
///
///     lstm    2 layers, 128 wide in each direction, the second on both directions of the first
///     mean of the outputs [B, H, 256] over the steps, fc (classes)
///
/// Names are those of nn.LSTM: lstm.weight_ih_l0 [512, C * W], lstm.weight_hh_l0 [512, 128],
/// lstm.bias_ih_l0, lstm.bias_hh_l0, the same with _reverse, then l1; fc.weight, fc.bias. 559,626
/// parameters for 1x28x28, 629,258 for 3x32x32, 10 classes. No dropout. Weights start as torch::nn
/// leaves them, uniform within 1 / sqrt(128).
///
/// Of text, tokens [B, T], it looks back only, since what comes next is asked for:
///
///     embedding    a vector of 128 a token
///     lstm         2 layers, 128 wide
///     fc           (vocabulary) of every output [B, T, 128]
///
/// Names as before, and embedding.weight; 329,984 parameters for a vocabulary of 256, whatever the
/// context.
///
/// Any size of image. There are no convolutions and no BatchNorm.
/// References: Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation, 1997;
/// Graves and Schmidhuber, "Framewise Phoneme Classification with Bidirectional LSTM and Other
/// Neural Network Architectures", Neural Networks, 2005. Sizes and the mean are ours.
std::unique_ptr<Model> make_lstm(const ModelOptions& options);

}  // namespace valley
