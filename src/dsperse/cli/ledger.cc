// dsperse ledger show|prove|check: what is in a log, one entry for somebody else, and what files about logs prove.
#include <charconv>
#include <filesystem>
#include <fstream>

#include "dsperse/cli/verbs.h"
#include "dsperse/pipeline/ledger_view.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/model_folder.h"
#include "dsperse/trust/sign/ed25519.h"

namespace dsperse::cli {
namespace {

struct Flags {
  std::string ledger, receipt, growth, out, coordinator, key;
  std::vector<std::string> files;
  std::optional<std::uint64_t> entry;
  std::uint64_t newest = 100;
};

constexpr std::uint64_t kMaxFile = std::uint64_t{1} << 32;

std::string keys_text(const std::vector<trust::PublicKey>& keys) {
  std::string out;
  for (const trust::PublicKey& k : keys) out += (out.empty() ? "" : ", ") + to_hex(k);
  return out;
}

/// An entry's payload as it was signed; bytes that are no envelope, as hexadecimal.
Result<int> show_entry(Context& context, trust::Log& log, std::uint64_t index) {
  DSPERSE_TRY(const Bytes entry, log.entry(index));
  const pipeline::EntryView view = pipeline::describe_entry(index, entry);
  const auto envelope = trust::decode_envelope(entry);
  const std::string payload = envelope ? std::string(envelope->payload.begin(), envelope->payload.end()) : to_hex(entry);
  context.say("{}", payload);
  context.document["entry"] = {{"index", index}, {"kind", view.kind}, {"text", view.text}, {"payload", payload}};
  return kOk;
}

Result<int> show(Context& context, const Flags& flags) {
  DSPERSE_TRY(trust::Log log, pipeline::open_ledger(flags.ledger));
  if (flags.entry) return show_entry(context, log, *flags.entry);
  DSPERSE_TRY(const pipeline::LedgerView view, pipeline::view_ledger(log, flags.newest));
  context.say("ledger {}, {} entries, root {}", log.origin(), view.head.size, to_hex(view.head.root));
  Json checkpoints = Json::array(), entries = Json::array(), kinds = Json::object();
  for (const auto& c : view.checkpoints) {
    context.say("checkpoint of size {} by {}", c.checkpoint.size, keys_text(c.keys));
    checkpoints.push_back({{"size", c.checkpoint.size},
                           {"root", to_hex(c.checkpoint.root)},
                           {"time_ms", c.checkpoint.time_ms},
                           {"keys", Json::array()}});
    for (const trust::PublicKey& k : c.keys) checkpoints.back()["keys"].push_back(to_hex(k));
  }
  for (const auto& [kind, count] : view.kinds) {
    context.say("{} {}", count, kind);
    kinds[kind] = count;
  }
  if (view.entries.size() < view.head.size) context.say("the newest {} entries:", view.entries.size());
  for (const pipeline::EntryView& e : view.entries) {
    context.say("{:>6}  {:<10}  {}", e.index, e.kind, e.text);
    entries.push_back({{"index", e.index}, {"kind", e.kind}, {"text", e.text}});
  }
  Json& d = context.document;
  d["origin"] = log.origin();
  d["size"] = view.head.size;
  d["root"] = to_hex(view.head.root);
  d["checkpoints"] = checkpoints;
  d["kinds"] = kinds;
  d["entries"] = entries;
  return kOk;
}

/// "2:6".
Result<std::pair<std::uint64_t, std::uint64_t>> parse_growth(const std::string& text) {
  std::uint64_t a = 0, b = 0;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, a);
  const bool colon = first.ec == std::errc() && first.ptr != end && *first.ptr == ':';
  const auto second = colon ? std::from_chars(first.ptr + 1, end, b) : first;
  if (!colon || second.ec != std::errc() || second.ptr != end)
    return fail(ErrorKind::usage, "--growth '" + text + "' is not FIRST:SECOND", {}, "write for example 2:6");
  return std::pair{a, b};
}

Result<int> prove(Context& context, const Flags& flags) {
  if (static_cast<int>(flags.entry.has_value()) + static_cast<int>(!flags.receipt.empty()) +
          static_cast<int>(!flags.growth.empty()) !=
      1)
    return fail(ErrorKind::usage, "say what is to be proved", {},
                "an entry's number, --receipt DIGEST, or --growth FIRST:SECOND");
  DSPERSE_TRY(trust::Log log, pipeline::open_ledger(flags.ledger));
  Bytes bytes;
  std::string out = flags.out;
  if (!flags.growth.empty()) {
    DSPERSE_TRY(const auto sizes, parse_growth(flags.growth));
    DSPERSE_TRY(const trust::ConsistencyProof proof, log.consistency(sizes.first, sizes.second));
    bytes = trust::encode_consistency(proof);
    if (out.empty()) out = fmt::format("growth-{}-{}.bin", sizes.first, sizes.second);
  } else {
    std::uint64_t index = flags.entry.value_or(0);
    if (!flags.receipt.empty()) {
      DSPERSE_TRY(const Digest digest, parse_digest(flags.receipt, "--receipt"));
      DSPERSE_TRY(index, pipeline::find_receipt(log, digest));
    }
    DSPERSE_TRY(const trust::EntryProof proof, pipeline::prove_entry(log, index));
    bytes = trust::encode_entry_proof(proof);
    if (out.empty()) out = fmt::format("entry-{}.json", index);
    context.document["entry"] = index;
  }
  DSPERSE_CHECK_OK(store::write_file(out, bytes, store::Access::shared));
  context.say("wrote {}", out);
  context.document["path"] = out;
  return kOk;
}

bool is_ledger(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return true;
  std::string head(15, ' ');
  std::ifstream(path, std::ios::binary).read(head.data(), static_cast<std::streamsize>(head.size()));
  return head == "SQLite format 3";
}

Result<int> check(Context& context, const Flags& flags) {
  if (flags.files.size() == 1 && is_ledger(flags.files[0])) {
    DSPERSE_TRY(trust::Log log, pipeline::open_ledger(flags.files[0]));
    DSPERSE_CHECK_OK(log.check());
    DSPERSE_TRY(const trust::Head head, log.head());
    context.say("sound: all {} entries of {} give root {}", head.size, log.origin(), to_hex(head.root));
    context.document["verdict"] = "sound";
    context.document["size"] = head.size;
    return kOk;
  }
  const trust::Ed25519Check signatures;
  pipeline::CheckRequest request;
  request.signatures = &signatures;
  std::optional<proof::ModelKey> key;
  if (!flags.coordinator.empty()) {
    DSPERSE_TRY(request.keeper, parse_digest(flags.coordinator, "--coordinator"));
  }
  if (!flags.key.empty()) {
    DSPERSE_TRY(key, store::read_key(flags.key));
    request.key = &*key;
  }
  std::vector<Bytes> files;
  for (const std::string& path : flags.files) {
    DSPERSE_TRY(Bytes bytes, store::read_file(path, kMaxFile));
    files.push_back(std::move(bytes));
  }
  DSPERSE_TRY(const pipeline::Finding found, pipeline::check_files(files, request));
  const Verdict& v = found.verdict;
  if (v)
    context.say("valid: {}", found.text);
  else
    context.say("rejected {}{}{}", v.reason, v.where.empty() ? "" : fmt::format(" ({})", v.where),
                found.text.empty() ? "" : ": " + found.text);
  if (found.evidence && !flags.out.empty()) {
    DSPERSE_CHECK_OK(store::write_file(flags.out, *found.evidence, store::Access::shared));
    context.say("wrote {}", flags.out);
  }
  Json& d = context.document;
  d["verdict"] = v ? "valid" : "rejected";
  d["text"] = found.text;
  if (!v) {
    d["reason"] = v.reason;
    d["where"] = v.where;
  }
  return v ? kOk : kRejected;
}

}  // namespace

void add_ledger(CLI::App& app, Context& context) {
  auto* verb = app.add_subcommand("ledger", "look into a ledger; prove its entries; check what is said about it");
  verb->require_subcommand(1);
  const auto flags = std::make_shared<Flags>();
  const auto add = [&](const char* name, const char* help, auto action) {
    auto* sub = verb->add_subcommand(name, help);
    context.add_common(*sub);
    sub->callback([&context, flags, name, action] {
      context.verb = std::string("ledger ") + name;
      context.action = [&context, flags, action] { return action(context, *flags); };
    });
    return sub;
  };
  const char* ledger = "a ledger.db, or the folder of a coordinator";
  auto* one = add("show", "origin, size, checkpoints and entries", show);
  one->add_option("LEDGER", flags->ledger, ledger)->required();
  one->add_option("--entry", flags->entry, "print this entry's payload");
  one->add_option("--newest", flags->newest, "list so many entries at the end")->capture_default_str();
  auto* two = add("prove", "one entry with its inclusion proof and checkpoint, as a file", prove);
  two->add_option("LEDGER", flags->ledger, ledger)->required();
  two->add_option("ENTRY", flags->entry, "the entry's number");
  two->add_option("--receipt", flags->receipt, "the entry that is the receipt of this digest");
  two->add_option("--growth", flags->growth, "a consistency proof instead, FIRST:SECOND");
  two->add_option("--out", flags->out, "file to write (default entry-N.json, growth-A-B.bin)");
  auto* three =
      add("check", "what files prove: an entry, two checkpoints, evidence, a certificate's record; or a whole ledger", check);
  three->add_option("FILE", flags->files, "files, or one ledger")->required();
  three->add_option("--coordinator", flags->coordinator, "the key of the ledger's keeper");
  three->add_option("--key", flags->key, "the model's verification key (.dsk), for a certificate");
  three->add_option("--out", flags->out, "where to write evidence of a split view");
}

}  // namespace dsperse::cli
