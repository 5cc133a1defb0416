#include "valley/algorithms/registry.h"

#include "valley/algorithms/ad_psgd.h"
#include "valley/algorithms/cd_adam.h"
#include "valley/algorithms/choco.h"
#include "valley/algorithms/d2.h"
#include "valley/algorithms/diloco.h"
#include "valley/algorithms/dppf.h"
#include "valley/algorithms/dpsgd.h"
#include "valley/algorithms/drag.h"
#include "valley/algorithms/dsgd_ac.h"
#include "valley/algorithms/dsgtm_tv.h"
#include "valley/algorithms/easgd.h"
#include "valley/algorithms/fedavg.h"
#include "valley/algorithms/fedprox.h"
#include "valley/algorithms/gradient_tracking.h"
#include "valley/algorithms/lgrawa.h"
#include "valley/algorithms/local_sgd.h"
#include "valley/algorithms/lsgd.h"
#include "valley/algorithms/mgrawa.h"
#include "valley/algorithms/noloco.h"
#include "valley/algorithms/palsgd.h"
#include "valley/algorithms/qg_dsgdm.h"
#include "valley/algorithms/relaysgd.h"
#include "valley/algorithms/scaffold.h"
#include "valley/algorithms/sgp.h"
#include "valley/algorithms/slowmo.h"
#include "valley/algorithms/sparsign.h"
#include "valley/algorithms/sparta.h"
#include "valley/algorithms/ssgd.h"
#include "valley/algorithms/ssgd_noise.h"
#include "valley/algorithms/wash.h"

namespace valley {
namespace {

using Made = std::unique_ptr<Algorithm>;
using Maker = Made (*)(const AlgorithmOptions&, const AlgorithmContext&);

template <typename Function>
struct OptionsOf;
template <typename Options>
struct OptionsOf<Made (*)(const Options&, const AlgorithmContext&)> {
  using type = Options;
};

template <auto make>
Made made(const AlgorithmOptions& options, const AlgorithmContext& context) {
  return make(options.as<typename OptionsOf<decltype(make)>::type>(), context);
}

struct MakerEntry {
  const char* name;
  Maker make;
};

// What table.h cannot have, since it is known without LibTorch.
constexpr MakerEntry kMakers[] = {
    {"ssgd", &made<&make_ssgd>},
    {"ssgd-noise", &made<&make_ssgd_noise>},
    {"sparsign", &made<&make_sparsign>},
    {"cd-adam", &made<&make_cd_adam>},
    {"local-sgd", &made<&make_local_sgd>},
    {"slowmo", &made<&make_slowmo>},
    {"diloco", &made<&make_diloco>},
    {"palsgd", &made<&make_palsgd>},
    {"noloco", &made<&make_noloco>},
    {"fedavg", &made<&make_fedavg>},
    {"fedprox", &made<&make_fedprox>},
    {"scaffold", &made<&make_scaffold>},
    {"drag", &made<&make_drag>},
    {"sparta", &made<&make_sparta>},
    {"wash", &made<&make_wash>},
    {"dppf", &made<&make_dppf>},
    {"easgd", &made<&make_easgd>},
    {"lsgd", &made<&make_lsgd>},
    {"mgrawa", &made<&make_mgrawa>},
    {"lgrawa", &made<&make_lgrawa>},
    {"dpsgd", &made<&make_dpsgd>},
    {"dsgd-ac", &made<&make_dsgd_ac>},
    {"sgp", &made<&make_sgp>},
    {"gradient-tracking", &made<&make_gradient_tracking>},
    {"dsgtm-tv", &made<&make_dsgtm_tv>},
    {"relaysgd", &made<&make_relaysgd>},
    {"d2", &made<&make_d2>},
    {"qg-dsgdm", &made<&make_qg_dsgdm>},
    {"choco", &made<&make_choco>},
    {"ad-psgd", &made<&make_ad_psgd>},
};

}  // namespace

std::unique_ptr<Algorithm> make_algorithm(const std::string& name, const AlgorithmOptions& options,
                                          const AlgorithmContext& context) {
  const AlgorithmEntry& entry = find_algorithm(name);
  if (context.fewer_steps > 0) check_fewer_steps(name, options);
  for (const MakerEntry& maker : kMakers) {
    if (maker.name == name) return maker.make(entry.or_defaults(options), context);
  }
  throw std::logic_error("no maker for the algorithm " + name);
}

}  // namespace valley
