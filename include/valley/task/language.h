#pragma once

#include <cstdint>
#include <vector>

#include "valley/task/task.h"

namespace valley {

/// The next token at every place of a text: the output is logits [B, T, V], targets are [B, T]
/// whole numbers in [0, V). Of bytes as tokens, those of text:PATH:
///
///     loss           mean_it -log softmax(logits_it)[y_it]    cross-entropy, in nats a token
///     bits_per_byte  loss / ln 2: what a coder that knows the model would need; the headline
///     perplexity     exp(loss): among how many tokens that are as likely the choice would be
///     chance         the entropy of how often each byte occurs, in bits: the best answer that is
///                    the same everywhere
///
/// Less is better of all of them.
const Task& language();

/// The same for tokens of several bytes, token t of token_bytes[t], such as those of a vocabulary
/// file: perplexity is that of a token, while with n_t the bytes of the target at place t
///
///     bits_per_byte  sum_it -log softmax(logits_it)[y_it] / ln 2 / sum_it n_it
///
/// and its chance can be compared with those of any other tokens. Two calls with equal lengths give
/// the same task.
const Task& language(const std::vector<int64_t>& token_bytes);

/// The same for tokens that are no bytes: without bits_per_byte, and the headline is perplexity.
const Task& language_of_tokens();

}  // namespace valley
