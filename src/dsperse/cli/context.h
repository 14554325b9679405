// What all verbs share: flags, exit codes, where the result goes. A verb is a function that fills a CLI11 subcommand and leaves
// an action; main.cc runs it, prints its error, and gives the exit code of docs/cli.md.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "dsperse/base/result.h"
#include "dsperse/base/visible.h"
#include "dsperse/pipeline/progress.h"
#include "dsperse/proof/profile.h"
#include "dsperse/trust/policy/policy.h"

namespace dsperse::cli {

using Json = nlohmann::ordered_json;

/// Text for a terminal as it is: lines and colours of this program's own.
struct Raw {
  std::string text;
};

/// An argument of a line: texts as visible() shows them, for names in them may come from anywhere.
template <class T>
decltype(auto) shown(const T& value) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return visible(value);
  } else {
    return (value);
  }
}
template <class... Args>
std::string line_text(fmt::format_string<Args...> format, const Args&... args) {
  return fmt::vformat(fmt::string_view(format), fmt::make_format_args(shown(args)...));
}

/// Text on stderr. What can't be written is lost, and nothing else: a log may lie on the disk that is full.
inline void to_stderr(const Raw& raw) { static_cast<void>(std::fwrite(raw.text.data(), 1, raw.text.size(), stderr)); }
template <class... Args>
void to_stderr(fmt::format_string<Args...> format, Args&&... args) {
  to_stderr(Raw{line_text<Args...>(format, args...)});
}

/// Exit codes beside those of ErrorKind.
inline constexpr int kOk = 0, kRejected = 1, kInterrupted = 130;
int exit_code(ErrorKind kind);

class Context {
 public:
  bool json = false;
  unsigned threads = 0;  ///< 0: all
  std::string memory;    ///< as typed; empty: 80 % of what is available
  int verbose = 0;

  Json document = Json::object();       ///< what --json prints
  std::function<Result<int>()> action;  ///< of the chosen verb
  std::string verb;

  /// A line of the result on stdout (or where text_to says); nothing with --json.
  template <class... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) {
    if (!json) put(line_text<Args...>(format, args...));
  }
  /// A table, or other text of several lines.
  void say(const Raw& lines) {
    if (!json) put(lines.text);
  }
  /// result: stdout. progress: stderr, for what comes before the verdict. held: kept for release().
  enum class Text : std::uint8_t { result, progress, held };
  Text text_to = Text::result;
  /// Prints what was held, on stdout.
  void release();
  /// Progress on stderr, made when first asked for.
  const pipeline::Observer& observer();
  /// Flags that every working verb has.
  void add_common(CLI::App& app);
  /// After parsing: thread count, log level.
  void apply() const;
  [[nodiscard]] Result<std::uint64_t> memory_budget() const;
  [[nodiscard]] unsigned workers() const;

 private:
  void put(const std::string& line);
  std::string held_;
  std::shared_ptr<void> progress_;
  pipeline::Observer observer_;
};

/// "8G", "512M", "1.5GiB", "1000": bytes (powers of 1024).
[[nodiscard]] Result<std::uint64_t> parse_bytes(const std::string& text);
/// At most 64 bytes of hexadecimal.
[[nodiscard]] Result<Bytes> parse_nonce(const std::string& hex);
[[nodiscard]] Result<Digest> parse_digest(const std::string& hex, const std::string& what);
[[nodiscard]] Result<proof::Profile> parse_profile(int bits);
/// --weights hidden|public.
struct WeightsFlag {
  std::string weights = "hidden";
  void add(CLI::App& app);
  [[nodiscard]] bool is_public() const { return weights == "public"; }
};
/// "weights: public (...)": who can read them.
std::string weights_text(bool is_public);
/// A treatment, or a policy file (./NAME for one that is named like a treatment).
struct LoadedPolicy {
  trust::Policy policy;
  std::string text;
};
[[nodiscard]] Result<LoadedPolicy> load_policy(const std::string& text);
/// Which slices: --all, --slices or --policy; nullopt when none is given. More than one is an error.
struct Selection {
  std::string policy, slices;
  bool all = false;
  void add(CLI::App& app);
  [[nodiscard]] Result<std::optional<trust::Policy>> policy_of() const;
};
/// "NAME:1,3,32,32" or "NAME:1x3x32x32".
[[nodiscard]] Result<std::map<std::string, std::vector<std::int64_t>>> parse_shapes(const std::vector<std::string>& texts);

/// "1.2 MB", "340 kB"; "0.34 s", "12 ms".
std::string bytes_text(std::uint64_t bytes);
std::string seconds_text(double seconds);

/// A plain table: columns padded, numbers as given, texts as visible() shows them. rows[0] is the head.
Raw table_text(const std::vector<std::vector<std::string>>& rows);

}  // namespace dsperse::cli
