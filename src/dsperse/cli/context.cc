#include "dsperse/cli/context.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "dsperse/base/parallel.h"
#include "dsperse/cli/progress.h"
#include "dsperse/pipeline/memory.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::cli {

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return 2;
    case ErrorKind::bad_input:
      return 3;
    case ErrorKind::unsupported:
      return 4;
    case ErrorKind::resource:
      return 5;
    case ErrorKind::backend:
      return 6;
    case ErrorKind::internal:
      break;
  }
  return 70;
}

void Context::put(const std::string& line) {
  if (text_to == Text::held) {
    held_ += line + "\n";
  } else {
    text_to == Text::result ? fmt::print("{}\n", line) : to_stderr(Raw{line + "\n"});
  }
}

void Context::release() {
  fmt::print("{}", held_);
  held_.clear();
  text_to = Text::result;
}

const pipeline::Observer& Context::observer() {
  if (!progress_) {
    auto progress = std::make_shared<Progress>();
    observer_ = [p = progress.get()](const pipeline::Event& e) { p->on(e); };
    progress_ = progress;
  }
  return observer_;
}

void Context::add_common(CLI::App& app) {
  app.add_flag("--json", json, "print one JSON document instead of text");
  app.add_option("--threads", threads, "threads to use (default: all)")->check(CLI::Range(1U, 1024U));
  app.add_option("--memory", memory, "memory that proofs in work together may take, e.g. 8G (default: 80 % of what is free)");
  app.add_flag("-v,--verbose", verbose, "say more on stderr");
}

void Context::apply() const {
  auto logger = spdlog::stderr_logger_mt("dsperse");
  logger->set_pattern("%l: %v");
  logger->set_level(verbose > 0 ? spdlog::level::debug : spdlog::level::info);
  spdlog::set_default_logger(logger);
  if (threads != 0) set_threads(threads);
}

Result<std::uint64_t> Context::memory_budget() const {
  if (!memory.empty()) return parse_bytes(memory);
  return pipeline::memory_available_bytes() / 10 * 8;
}

unsigned Context::workers() const { return static_cast<unsigned>(dsperse::threads()); }

Result<std::uint64_t> parse_bytes(const std::string& text) {
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string unit(stop, text.data() + text.size());
  std::transform(unit.begin(), unit.end(), unit.begin(),
                 [](char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c); });
  if (unit.ends_with("IB"))
    unit.resize(unit.size() - 2);
  else if (unit.ends_with("B"))
    unit.pop_back();
  const std::string units = "KMGT";
  const auto at = unit.empty() ? std::string::npos : units.find(unit);
  if (error != std::errc{} || !(value > 0) || unit.size() > 1 || (!unit.empty() && at == std::string::npos))
    return fail(ErrorKind::usage, "'" + text + "' is no amount of memory", {}, "write for example 8G or 512M");
  const double bytes = std::ldexp(value, unit.empty() ? 0 : 10 * static_cast<int>(at + 1));
  if (bytes > 1e18) return fail(ErrorKind::usage, "'" + text + "' is too much memory");
  return static_cast<std::uint64_t>(bytes);
}

Result<Bytes> parse_nonce(const std::string& hex) {
  Bytes out;
  if (!from_hex(hex, out) || out.size() > 64)
    return fail(ErrorKind::usage, "--nonce is not hexadecimal, or longer than 64 bytes");
  return out;
}

Result<Digest> parse_digest(const std::string& hex, const std::string& what) {
  Bytes bytes;
  Digest out{};
  if (!from_hex(hex, bytes) || bytes.size() != out.size()) return fail(ErrorKind::usage, what + " is not 64 hexadecimal digits");
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

void WeightsFlag::add(CLI::App& app) {
  app.add_option("--weights", weights, "hidden: the key commits to them; public: the key shows them, proofs need no openings")
      ->check(CLI::IsMember({"hidden", "public"}))
      ->capture_default_str();
}

std::string weights_text(bool is_public) {
  return is_public ? "weights: public (whoever has the key can read them)" : "weights: hidden";
}

Result<proof::Profile> parse_profile(int bits) {
  if (bits == 100) return proof::Profile::bits100;
  if (bits == 128) return proof::Profile::bits128;
  return fail(ErrorKind::usage, "--profile is 100 or 128");
}

Result<LoadedPolicy> load_policy(const std::string& text) {
  // First of all a treatment: what the word proof means must not depend on which files lie about.
  const auto treatment = trust::parse_treatment(text);
  if (treatment) return LoadedPolicy{{.fallback = *treatment}, text};
  if (!store::exists(text))
    return fail(ErrorKind::bad_input, "no such file, and no treatment: " + treatment.error().what, text, treatment.error().hint);
  DSPERSE_TRY(const Bytes bytes, store::read_file(text, 1U << 20));
  LoadedPolicy out;
  out.text.assign(bytes.begin(), bytes.end());
  auto policy = trust::parse_policy(out.text);
  if (!policy) return std::unexpected(policy.error().within(text));
  out.policy = std::move(*policy);
  return out;
}

void Selection::add(CLI::App& app) {
  auto* group = app.add_option_group("which slices");
  group->add_option("--policy", policy, "FILE, or one treatment for all: proof, trust, replicate(2), audit(0.05)");
  group->add_option("--slices", slices, "these slices and no others, e.g. 0,2-4");
  group->add_flag("--all", all, "every slice");
  group->require_option(0, 1);
}

Result<std::optional<trust::Policy>> Selection::policy_of() const {
  if (all) return trust::Policy{};
  if (!slices.empty()) {
    trust::Policy out;
    out.fallback = {};
    trust::Rule rule;
    DSPERSE_TRY(rule.slices, trust::parse_slices(slices));
    out.rules.push_back(std::move(rule));
    return out;
  }
  if (policy.empty()) return std::nullopt;
  DSPERSE_TRY(LoadedPolicy out, load_policy(policy));
  return std::move(out.policy);
}

Result<std::map<std::string, std::vector<std::int64_t>>> parse_shapes(const std::vector<std::string>& texts) {
  std::map<std::string, std::vector<std::int64_t>> out;
  for (const std::string& text : texts) {
    const auto bad = [&] {
      return fail(ErrorKind::usage, "--input-shape '" + text + "' is not NAME:DIMS", {}, "write for example image:1,3,32,32");
    };
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0) return bad();
    std::vector<std::int64_t> dims;
    for (std::size_t at = colon + 1; at <= text.size();) {
      std::int64_t n = 0;
      const auto [stop, error] = std::from_chars(text.data() + at, text.data() + text.size(), n);
      if (error != std::errc{} || n < 1) return bad();
      dims.push_back(n);
      at = static_cast<std::size_t>(stop - text.data());
      if (at == text.size()) break;
      if (text[at] != ',' && text[at] != 'x') return bad();
      ++at;
    }
    out[text.substr(0, colon)] = dims;
  }
  return out;
}

std::string bytes_text(std::uint64_t bytes) {
  const auto b = static_cast<double>(bytes);
  if (bytes < 1000) return fmt::format("{} B", bytes);
  if (bytes < 1000'000) return fmt::format("{:.0f} kB", b / 1e3);
  if (bytes < 1000'000'000) return fmt::format("{:.1f} MB", b / 1e6);
  return fmt::format("{:.2f} GB", b / 1e9);
}

std::string seconds_text(double seconds) {
  if (seconds < 0.0995) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 100) return fmt::format("{:.2f} s", seconds);
  return fmt::format("{:.0f} s", seconds);
}

Raw table_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> cells(rows.size());
  std::vector<std::size_t> width;
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      cells[r].push_back(visible(rows[r][c]));
      if (c >= width.size()) width.push_back(0);
      width[c] = std::max(width[c], cells[r][c].size());
    }
  std::string out;
  for (std::size_t r = 0; r < cells.size(); ++r) {
    for (std::size_t c = 0; c < cells[r].size(); ++c)
      out += fmt::format("{:<{}}", cells[r][c], c + 1 < cells[r].size() ? width[c] + 2 : 0);
    if (r + 1 < cells.size()) out += '\n';
  }
  return {out};
}

}  // namespace dsperse::cli
