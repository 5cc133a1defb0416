#pragma once

/// The header to begin with. It includes what most programs need; what else is public is named
/// beside it. Every public header is one of include/valley, and includes only such.
///
///     #include "valley/valley.h"
///
///     int main() {
///       valley::RunConfig config;
///       config.data = "blobs", config.model = "mlp", config.out = "runs/first";
///       const valley::Summary summary = valley::train_or_resume(config, "first");
///     }
///
/// Files that should compile fast include the single headers instead: those without LibTorch are
/// marked with a star.

// Errors, and what a setting is.                        core/names.h*: the nearest name
#include "valley/core/error.h"     // *
#include "valley/core/settings.h"  // *
#include "valley/core/version.h"   // *

// A training as plain values, as `valley train` and config.toml have it, and from there to a run
// folder. run_config.h* and train_options.h* hold the settings, record/run_folder.h* the names of
// the files, train/probe.h looks at workers while they train.
#include "valley/runs/train_run.h"
#include "valley/train/run_config.h"  // *
#include "valley/train/summary.h"     // *

// The trainer itself, for a model and data of your own: train/rehearsal.h tries them before there
// is a run folder, train/observer.h looks on.
#include "valley/train/observer.h"
#include "valley/train/rehearsal.h"
#include "valley/train/trainer.h"

// Workers: threads (group.h), any backend by name (backends.h; what is known of them:
// backend_table.h*), processes that a launcher started (rendezvous.h*) or that are started here
// (launcher.h*), a process group of torch.distributed (process_group.h).
#include "valley/comm/backends.h"
#include "valley/comm/communicator.h"
#include "valley/comm/group.h"

// Models: by name, from TorchScript (scripted.h), or a torch::nn module of your own (wrap.h).
// safetensors.h and state_dict.h load and save weights.
#include "valley/models/registry.h"
#include "valley/models/scripted.h"
#include "valley/models/wrap.h"

// Data sets by name, or tensors of your own as a Dataset; batches of them.
#include "valley/data/dataset.h"
#include "valley/data/loader.h"

// Algorithms by name. Each has a header with its options and what makes it, say
// algorithms/dppf.h. For a method of your own: algorithms/algorithm.h, rounds.h with
// round_parts.h (a clock, a meeting, a rule), every_step.h, and parts: pull_push.h, consensus.h,
// outer_step.h, mixing.h, gradient_buckets.h, kernels.h.
#include "valley/algorithms/registry.h"

// A loop of your own: the flat vectors x and g, and optimizers on them.
#include "valley/optim/flat_parameters.h"
#include "valley/optim/local_optimizer.h"

// Scores of a model, and the loss that is trained; task.h is what a task of your own fills.
#include "valley/evaluation/evaluate.h"
#include "valley/task/classification.h"

// What a finished run found: opened, its minimum measured, the loss around it, how its workers
// moved; sharpness_options.h* and its like hold the settings, analysis/measure_table.h* names the
// measures. study/study.h trains and measures a grid of runs, study/comparison.h compares
// methods.
#include "valley/instruments/dynamics.h"
#include "valley/instruments/landscape.h"
#include "valley/instruments/sharpness.h"
#include "valley/runs/finished_run.h"

// Graphs and mixing matrices (topology/facts.h*, spectrum.h*), and what changes over a run:
// learning rates, periods, pushes.
#include "valley/schedule/learning_rate.h"  // *
#include "valley/schedule/period.h"         // *
#include "valley/schedule/push.h"           // *
#include "valley/topology/topology.h"       // *
