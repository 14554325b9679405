// dsperse key show|split|import|rotate: what of a key's openings this installation has, and shares for other machines.
#include "dsperse/cli/verbs.h"
#include "dsperse/pipeline/openings.h"

namespace dsperse::cli {
namespace {

struct Flags {
  std::string model, out, file;
  std::uint32_t openings = 1;
};

Result<store::OpeningStore> opening_store() {
  DSPERSE_TRY(const std::string state, store::state_folder());
  return store::OpeningStore::open(state);
}

Result<int> show(Context& context, const Flags& flags) {
  DSPERSE_TRY(const proof::ModelKey key, pipeline::read_any_key(flags.model));
  DSPERSE_TRY(store::OpeningStore openings, opening_store());
  context.say("model id {}", to_hex(key.id()));
  context.say("{} slices, {} bits, {}", key.slices.size(), proof::bits(key.profile()), weights_text(key.weights_public()));
  std::vector<std::vector<std::string>> rows = {{"slice", "operators", "weights", "proofs left here"}};
  Json slices = Json::array();
  for (std::size_t i = 0; i < key.slices.size(); ++i) {
    const proof::SliceKey& s = key.slices[i];
    std::optional<std::uint64_t> left;
    if (s.weight_root) {
      DSPERSE_TRY(left, pipeline::proofs_left(openings, s));
    }
    std::uint64_t weights = 0;
    for (const quantize::WeightSpec& w : s.program.weights) weights += static_cast<std::uint64_t>(quantize::elements(w.shape));
    rows.push_back({std::to_string(i), std::to_string(s.program.ops.size()), std::to_string(weights),
                    left ? std::to_string(*left) : "any number"});
    slices.push_back(
        {{"slice", i}, {"key", to_hex(s.digest())}, {"weights", weights}, {"proofs_left", left ? Json(*left) : Json(nullptr)}});
  }
  context.say(table_text(rows));
  Json ties = Json::array();
  for (const proof::WeightTie& t : key.ties) {
    context.say("slices {} and {} have {} weight tensor(s) in common, by proof", t.base, t.slice, t.weights.size());
    ties.push_back({{"base", t.base}, {"slice", t.slice}, {"weights", t.weights}});
  }
  context.document["ties"] = ties;
  context.document["model_id"] = to_hex(key.id());
  context.document["weights"] = key.weights_public() ? "public" : "hidden";
  context.document["slices"] = slices;
  return kOk;
}

Result<int> split(Context& context, const Flags& flags) {
  DSPERSE_TRY(const proof::ModelKey key, pipeline::read_any_key(flags.model));
  DSPERSE_TRY(store::OpeningStore openings, opening_store());
  DSPERSE_CHECK_OK(pipeline::split_openings(openings, key, flags.openings, flags.out));
  context.say("share {}: {} origin opening(s) of every slice, no longer usable here. Import it on one machine, once.", flags.out,
              flags.openings);
  context.document["path"] = flags.out;
  return kOk;
}

Result<int> import_share(Context& context, const Flags& flags) {
  DSPERSE_TRY(const proof::ModelKey key, pipeline::read_any_key(flags.model));
  DSPERSE_TRY(store::OpeningStore openings, opening_store());
  DSPERSE_TRY(const std::uint32_t count, pipeline::import_openings(openings, key, flags.file));
  context.say("imported {} origin opening(s) of every slice", count);
  return kOk;
}

Result<int> rotate(Context& context, const Flags& flags) {
  DSPERSE_TRY(const store::ModelFolder model, store::ModelFolder::open(flags.model));
  DSPERSE_TRY(store::OpeningStore openings, opening_store());
  DSPERSE_CHECK_OK(pipeline::rotate_epochs(model, openings, context.observer()));
  context.say("every slice has a fresh weight epoch");
  return kOk;
}

}  // namespace

void add_key(CLI::App& app, Context& context) {
  auto* verb = app.add_subcommand("key", "show a key; share or renew the openings of its weights");
  verb->require_subcommand(1);
  const auto flags = std::make_shared<Flags>();
  const auto add = [&](const char* name, const char* help, const char* model, auto action) {
    auto* sub = verb->add_subcommand(name, help);
    sub->add_option("MODEL", flags->model, model)->required();
    context.add_common(*sub);
    sub->callback([&context, flags, action, name] {
      context.verb = std::string("key ").append(name);
      context.action = [&context, flags, action] { return action(context, *flags); };
    });
    return sub;
  };
  add("show", "slices, model id, and how many proofs this installation can still make", "a .dsk file or a .dsm folder", show);
  auto* s = add("split", "move origin openings into a file for another machine", "a .dsm folder or .dsk file", split);
  s->add_option("--openings", flags->openings, "origin openings to move, of every slice")
      ->check(CLI::Range(1U, 15U))
      ->capture_default_str();
  s->add_option("--out", flags->out, "file to write (secret; import it once)")->required();
  auto* i = add("import", "take a share that `dsperse key split` wrote", "a .dsm folder or .dsk file", import_share);
  i->add_option("FILE", flags->file, "the share")->required();
  add("rotate", "make a fresh weight epoch for every slice now, so that the next proofs don't", "a .dsm folder", rotate);
}

}  // namespace dsperse::cli
