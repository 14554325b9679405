#include "dsperse/pipeline/steps.h"

#include <fmt/format.h>

#include <filesystem>
#include <limits>

#include "dsperse/pipeline/expectation.h"
#include "dsperse/pipeline/float_slices.h"
#include "dsperse/proof/tie.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/trust/lottery/challenge.h"

namespace dsperse::pipeline {
namespace {

namespace lottery = trust::lottery;
constexpr std::uint64_t kNoDeadline = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMaxCertificate = std::uint64_t{1} << 32, kMaxOutput = std::uint64_t{1} << 30;

std::string absolute(const std::string& path) {
  std::error_code error;
  const auto full = std::filesystem::absolute(path, error);
  return error ? path : full.lexically_normal().string();
}

/// The challenge that this run's published.json announced, if the run still has those roots.
Result<lottery::Challenge> published_challenge(const store::RunFolder& run, const proof::ModelKey& key) {
  DSPERSE_TRY(const Published published, read_published(run.path()));
  if (run.info().model_id != key.id())
    return fail(ErrorKind::bad_input, "the run was made with another compiled model", run.path(),
                "give the right one with --model, or run again");
  DSPERSE_TRY(const std::vector<proof::Boundary> table, boundary_table(key, run));
  const Digest run_id = proof::run_id(run.info().model_id, run.info().nonce, run.info().salt);
  if (published.slices != key.slices.size() || published.bound() != bound_of(run_id, published.slices, table))
    return fail(ErrorKind::bad_input, "the run's boundaries are not the published ones", published_path(run.path()),
                "a challenge binds a run to what it published: run again into another folder and publish that");
  return lottery::publish(published.bound(), published.slices, published.draw);
}

/// Every drawn slice has a proof that a verifier accepts.
Status answer(lottery::Challenge& challenge, const proof::ModelKey& key, ByteView certificate) {
  DSPERSE_TRY(const proof::Certificate c, proof::decode_certificate(key, certificate));
  const Digest run_id = proof::run_id(c.model_id, c.nonce, c.salt);
  for (const proof::SliceProof& s : c.slices) {
    if (!challenge.open.contains(s.slice)) continue;
    const proof::SliceKey& slice = key.slices[s.slice];
    proof::Statement statement{slice.digest(), {}, 0, run_id, s.slice, {}};
    for (const proof::Port& p : slice.ports()) statement.boundaries.push_back(c.table[p.chunk]);
    const std::set<Digest> known{proof::range_digest(slice)};  // the owner's own key
    const bool accepted = proof::verify_slice_proof(slice, statement, s, known).accepted;
    DSPERSE_CHECK_OK(lottery::step(challenge, lottery::Answer{s.slice, accepted}));
  }
  if (challenge.phase != lottery::ChallengePhase::answered)
    return fail(ErrorKind::internal, "a drawn slice has no proof that verifies",
                "slice " + std::to_string(*challenge.open.begin()));
  return {};
}

}  // namespace

Result<CompiledSlices> compile_step(const store::PlanFile& plan, const CompileOptions& options, const backend::Backend& backend,
                                    store::OpeningStore& openings, const std::string& dsm, const std::string& dsk,
                                    const Observer& observer) {
  std::optional<store::ModelWriter> writer;  // begins with the first slice that is ready: what cannot be compiled leaves nothing
  DSPERSE_TRY(CompiledSlices compiled,
              compile_slices(plan, options, backend, observer,
                             [&](std::uint32_t, const proof::SliceKey& key, const store::ProvingKey& secret) -> Status {
                               if (!writer) {
                                 DSPERSE_TRY(writer, store::ModelWriter::create(dsm));
                               }
                               return writer->add(key, secret);
                             }));
  std::vector<store::OpeningStore::Origin> origins;
  const proof::ModelKey& key = compiled.model.key;
  for (std::uint32_t i = 0; i < key.slices.size(); ++i)
    if (const proof::SliceKey& s = key.slices[i]; s.weight_root)
      origins.push_back({s.digest(), *s.weight_root, 1, proof::end_of_openings(key, i)});
  DSPERSE_CHECK_OK(openings.add_origins(origins));
  if (const std::string folder = std::filesystem::path(dsk).parent_path().string(); !folder.empty())
    DSPERSE_CHECK_OK(store::make_folder(folder, store::Access::shared));
  DSPERSE_CHECK_OK(writer->finish(compiled.model));
  DSPERSE_CHECK_OK(store::write_key(dsk, compiled.model.key));
  return compiled;
}

Result<RunStep> run_step(const std::string& dsm, const std::vector<store::FileTensor>& inputs, const Bytes& nonce,
                         const std::string& out, const Observer& observer, std::uint32_t draw) {
  DSPERSE_TRY(const store::ModelFolder model, store::ModelFolder::open(dsm));
  DSPERSE_TRY(QuantizedInputs quantized, quantize_inputs(key_inputs(model.model().key), inputs));
  DSPERSE_TRY(store::RunFolder folder, store::RunFolder::create(out));
  RunStep step;
  DSPERSE_TRY(step.run, run_model(model, absolute(dsm), quantized.tensors, nonce, draw, folder, observer));
  step.clamped = std::move(quantized.clamped);
  return step;
}

Result<std::set<std::uint32_t>> slices_to_prove(const store::CompiledModel& model, const std::optional<trust::Policy>& policy) {
  if (policy) return wanted_slices(model.key, *policy);
  return trust::proved_slices(model.treatments);
}

Result<ProveStep> prove_step(const std::string& run_folder, const std::string& dsm, const std::optional<trust::Policy>& policy,
                             const backend::Backend& backend, store::OpeningStore& openings, ProveOptions options,
                             const Observer& observer) {
  DSPERSE_TRY(store::RunFolder run, store::RunFolder::open(run_folder));
  DSPERSE_TRY(const store::ModelFolder model, store::ModelFolder::open(dsm.empty() ? run.info().model_path : dsm));
  if (policy || !options.challenge) {
    DSPERSE_TRY(options.slices, slices_to_prove(model.model(), policy));
  }
  // Of a run over workers: proofs that ended disputes and audits stand for answers that its record does not have.
  DSPERSE_TRY(const Bytes answers, run.answers());
  for (std::uint32_t i = 0; !answers.empty() && i < model.model().key.slices.size(); ++i) {
    DSPERSE_TRY(const std::optional<proof::SliceProof> there, run.proof(i));
    if (there) options.slices.insert(i);
  }
  ProveStep step;
  std::optional<lottery::Challenge> challenge;
  if (options.challenge) {
    if (const std::string in_float = float_text(model.model().key); !in_float.empty())
      return fail(ErrorKind::unsupported, "a challenge may draw a slice that runs in float and has no proof", in_float,
                  "only models of integer slices can be challenged");
    DSPERSE_TRY(challenge, published_challenge(run, model.model().key));
    DSPERSE_TRY(const std::vector<std::uint32_t> drawn,
                lottery::step(*challenge, lottery::Nonce{*options.challenge, kNoDeadline}));
    options.slices.insert(drawn.begin(), drawn.end());
    step.challenged = Challenged{challenge->bound, drawn};
  }
  DSPERSE_TRY(step.summary, prove_run(model, run, openings, backend, options, observer));
  if (challenge) DSPERSE_CHECK_OK(answer(*challenge, model.model().key, step.summary.certificate));
  step.certificate_path = store::join(run_folder, "certificate.dscert");
  DSPERSE_CHECK_OK(store::write_file(step.certificate_path, step.summary.certificate, store::Access::shared));
  step.model = model.model();
  step.run_id = proof::run_id(run.info().model_id, run.info().nonce, run.info().salt);
  return step;
}

Result<InputArguments> read_inputs(const std::vector<std::string>& arguments, const proof::ModelKey& key,
                                   bool allow_commitments) {
  InputArguments out;
  const auto inputs = key_inputs(key);
  for (const std::string& argument : arguments) {
    std::string name, value = argument;
    // NAME= only where NAME is an input: file names may hold '=' too.
    for (const auto& [io, spec] : inputs)
      if (argument.starts_with(io.name + "=")) {
        name = io.name;
        value = argument.substr(name.size() + 1);
      }
    if (value.starts_with("commit:")) {
      if (!allow_commitments)
        return fail(ErrorKind::usage, "a run needs the input itself", argument, "commitments are for `dsperse verify`");
      if (name.empty() && inputs.size() != 1)
        return fail(ErrorKind::usage, "which input is committed?", argument, "write NAME=commit:HEX");
      std::string list = value.substr(7);
      std::vector<Digest>& roots = out.roots[name.empty() ? inputs[0].first.name : name];
      for (std::size_t at = 0; at <= list.size();) {
        const std::size_t comma = std::min(list.find(',', at), list.size());
        Bytes bytes;
        Digest root{};
        if (!from_hex(std::string_view(list).substr(at, comma - at), bytes) || bytes.size() != root.size())
          return fail(ErrorKind::usage, "a commitment is 64 hexadecimal digits", argument);
        std::copy(bytes.begin(), bytes.end(), root.begin());
        roots.push_back(root);
        at = comma + 1;
      }
      continue;
    }
    DSPERSE_TRY(std::vector<store::FileTensor> tensors, store::read_tensors(value));
    if (!name.empty()) {
      if (tensors.size() != 1)
        return fail(ErrorKind::bad_input, "holds several tensors where one is named", argument, "give the file without NAME=");
      tensors[0].name = name;
    }
    for (store::FileTensor& t : tensors) out.tensors.push_back(std::move(t));
  }
  return out;
}

Result<VerifyReport> verify_step(const proof::ModelKey& key, const VerifyFiles& files, VerifyRequest request) {
  DSPERSE_TRY(const Bytes certificate, store::read_file(files.certificate, kMaxCertificate));
  DSPERSE_TRY(const InputArguments arguments, read_inputs(files.inputs, key, true));
  std::vector<std::pair<quantize::IoMapping, quantize::TensorSpec>> open;
  for (auto& input : key_inputs(key))
    if (!arguments.roots.contains(input.first.name)) open.push_back(std::move(input));
  DSPERSE_TRY(QuantizedInputs inputs, quantize_inputs(open, arguments.tensors));
  DSPERSE_TRY(const Bytes output, store::read_file(files.output, kMaxOutput));
  auto claimed = read_output_document(key, output);
  if (!claimed) return std::unexpected(claimed.error().within(files.output));
  request.key = &key;
  request.certificate = certificate;
  request.inputs = std::move(inputs.tensors);
  request.input_roots = arguments.roots;
  request.output = std::move(*claimed);
  if (!files.expectation.empty()) {
    DSPERSE_TRY(const proof::Expectation user, expectation_of(request));
    DSPERSE_CHECK_OK(store::write_file(files.expectation, expectation_document(user), store::Access::shared));
  }
  auto report = verify_run(request);
  if (!report) return std::unexpected(report.error().within(files.certificate));
  // A key may declare ranges in which little of an input is left.
  for (const auto& [name, count] : inputs.clamped)
    if (count != 0)
      report->notes.push_back(fmt::format(
          "{} element(s) of input {} lie outside of the model's range and were clamped: the verdict is of the clamped input",
          count, name));
  return report;
}

}  // namespace dsperse::pipeline
