#include "corpus.h"

#include <cctype>
#include <fstream>
#include <iostream>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::soundness {
namespace {

using nlohmann::json;
using proof::Expectation;

json tensors_to_json(const std::map<std::string, Expectation::Tensor>& tensors) {
  json out = json::object();
  for (const auto& [name, t] : tensors) {
    json& entry = out[name] = json::object();
    if (t.values) entry["values"] = *t.values;
    for (const Digest& root : t.roots) entry["roots"].push_back(to_hex(root));
  }
  return out;
}

Digest digest_of(const json& hex) {
  Bytes bytes;
  if (!from_hex(hex.get<std::string>(), bytes) || bytes.size() != sizeof(Digest)) throw std::runtime_error("not a digest");
  Digest out;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

std::map<std::string, Expectation::Tensor> tensors_of(const json& from) {
  std::map<std::string, Expectation::Tensor> out;
  for (const auto& [name, entry] : from.items()) {
    Expectation::Tensor& t = out[name];
    if (entry.contains("values")) t.values = entry["values"].get<std::vector<std::int32_t>>();
    if (entry.contains("roots"))
      for (const json& root : entry["roots"]) t.roots.push_back(digest_of(root));
  }
  return out;
}

/// What keeps the files from being decoded: "malformed", "unsupported", or nothing.
json fault_of(ByteView key, ByteView certificate) {
  const auto name = [](const Error& e) { return e.kind == ErrorKind::unsupported ? "unsupported" : "malformed"; };
  const auto k = proof::decode_model_key(key);
  if (!k) return name(k.error());
  const auto c = proof::decode_certificate(*k, certificate);
  return c ? json() : json(name(c.error()));
}

}  // namespace

json to_json(const Expectation& user) {
  return {{"model_id", user.model_id ? json(to_hex(*user.model_id)) : json()},
          {"nonce", user.nonce ? json(to_hex(*user.nonce)) : json()},
          {"policy", user.policy ? json(*user.policy) : json()},
          {"inputs", tensors_to_json(user.inputs)},
          {"outputs", tensors_to_json(user.outputs)}};
}

Expectation expectation_of(const json& from) {
  Expectation out;
  if (!from.at("model_id").is_null()) out.model_id = digest_of(from["model_id"]);
  if (!from.at("nonce").is_null() && !from_hex(from["nonce"].get<std::string>(), out.nonce.emplace()))
    throw std::runtime_error("not a nonce");
  if (!from.at("policy").is_null()) out.policy = from["policy"].get<std::set<std::uint32_t>>();
  out.inputs = tensors_of(from.at("inputs"));
  out.outputs = tensors_of(from.at("outputs"));
  return out;
}

Verdict judge(ByteView key, ByteView certificate, const Expectation& user) {
  const auto place = [](const std::string& file, const std::string& where) {
    return where.empty() ? file : file + " > " + where;
  };
  const auto k = proof::decode_model_key(key);
  if (!k) return Verdict::reject(k.error().what, place("key", k.error().where));
  const auto c = proof::decode_certificate(*k, certificate);
  if (!c) return Verdict::reject(c.error().what, place("certificate", c.error().where));
  return proof::verify_certificate(*k, *c, user).verdict;
}

std::string Corpus::file(const std::string& name, const std::string& ending, ByteView bytes) {
  std::string& file = files_[{ending, crypto::hash(bytes)}];
  if (!file.empty()) return file;
  for (const char c : name) file += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '-';
  file += ending;
  std::ofstream out(folder_ / file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) fault("cannot write " + (folder_ / file).string());
  bytes_ += bytes.size();
  return file;
}

void Corpus::fault(const std::string& what) {
  ++faults_;
  std::cerr << "attack_corpus: " << what << "\n";
}

void Corpus::add(const std::string& name, ByteView key, ByteView certificate, const Expectation& user, const Verdict& verdict) {
  if (names_[name]++ != 0) fault("two entries are called " + name);
  const std::string text = to_json(user).dump();
  const ByteView bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  manifest_.push_back({{"name", name},
                       {"key", file(name, ".dsk", key)},
                       {"certificate", file(name, ".dscert", certificate)},
                       {"expectation", file(name, ".json", bytes)},
                       {"accept", verdict.accepted},
                       {"fault", fault_of(key, certificate)},
                       {"reason", verdict.reason},
                       {"where", verdict.where}});
}

void Corpus::accepts(const std::string& name, ByteView key, ByteView certificate, const Expectation& user) {
  const Verdict v = judge(key, certificate, user);
  if (!v) fault(name + " is honest, yet rejected: " + v.reason + " at " + v.where);
  add(name, key, certificate, user, v);
}

void Corpus::rejects(const std::string& name, const std::string& reason, const std::string& where, ByteView key,
                     ByteView certificate, const Expectation& user) {
  const Verdict v = judge(key, certificate, user);
  ++attacks_;
  if (v)
    fault(name + " is an attack, yet accepted");
  else if (v.reason != reason || !v.where.starts_with(where))
    fault(name + " is rejected with '" + v.reason + "' at '" + v.where + "' instead of '" + reason + "' at '" + where + "'");
  add(name, key, certificate, user, v);
}

bool Corpus::finish() {
  std::ofstream out(folder_ / "manifest.json");
  out << manifest_.dump(1) << "\n";
  if (!out.flush()) fault("cannot write the manifest");
  std::cout << manifest_.size() << " entries, " << attacks_ << " of them attacks; " << files_.size() << " files, "
            << bytes_ / 1024 << " KiB; faults: " << faults_ << "\n";
  return faults_ == 0;
}

}  // namespace dsperse::soundness
