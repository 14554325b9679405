// Escaping, numbers with units, bars, the graph of slices.
#include "dsperse/report/markup.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "dsperse/base/visible.h"

namespace dsperse::report {
namespace {

std::string shortened(const std::string& text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = 0;
  for (std::size_t n = 1; end < limit && n != 0; end += n) n = utf8_length(text, end);
  return text.substr(0, end) + "\u2026";
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = utf8_length(text, i);
    const char c = text[i];
    const bool control = n == 1 && (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) && c != '\n' && c != '\t';
    if (n == 0 || control) {
      out += "\uFFFD";
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else {
      out += text.substr(i, n);
    }
    i += std::max<std::size_t>(n, 1);
  }
  return out;
}

std::string seconds_text(const std::optional<double>& seconds) {
  if (!seconds) return "-";
  const double s = std::max(0.0, *seconds);
  if (s < 0.0095) return fmt::format("{:.1f} ms", s * 1e3);
  if (s < 0.9995) return fmt::format("{:.0f} ms", s * 1e3);
  if (s < 99.5) return fmt::format("{:.1f} s", s);
  const double whole = std::round(s);
  return fmt::format("{:.0f} min {:.0f} s", std::floor(whole / 60), std::fmod(whole, 60));
}

std::string bytes_text(const std::optional<std::uint64_t>& bytes) {
  if (!bytes) return "-";
  const double b = static_cast<double>(*bytes);
  if (b < 999.5) return fmt::format("{} B", *bytes);
  if (b < 999.5e3) return fmt::format("{:.0f} kB", b / 1e3);
  if (b < 999.5e6) return fmt::format("{:.1f} MB", b / 1e6);
  return fmt::format("{:.1f} GB", b / 1e9);
}

std::string count_text(const std::optional<std::uint64_t>& count) {
  if (!count) return "-";
  const double n = static_cast<double>(*count);
  if (n < 9999.5) return fmt::format("{}", *count);
  if (n < 999.95e3) return fmt::format("{:.1f} k", n / 1e3);
  if (n < 999.95e6) return fmt::format("{:.1f} M", n / 1e6);
  return fmt::format("{:.1f} G", n / 1e9);
}

std::string percent_text(double share) {
  if (share >= 1) return "100 %";
  if (share <= 0) return "0 %";
  return fmt::format("{:.1f} %", std::clamp(share * 100, 0.1, 99.9));
}

std::string mode_class(std::string_view mode) {
  if (mode == "proof") return "proof";
  if (mode.starts_with("replicate") || mode.starts_with("audit")) return "checked";
  return "trust";
}

std::string bar(double share, std::string_view css_class) {
  return fmt::format(R"(<svg class="bar" aria-hidden="true"><rect class="{}" width="{:.2f}%" height="100%" rx="2"></rect></svg>)",
                     css_class, std::clamp(share, 0.0, 1.0) * 100);
}

std::string graph(const Document& d) {
  const bool dense = d.slices.size() > 24;
  const int box_h = dense ? 22 : 40, gap = dense ? 8 : 22, left = 12, width = 420, box_w = 340, top = 34;
  const auto y_of = [&](std::size_t row) { return top + static_cast<int>(row) * (box_h + gap); };
  const auto row_of = [&](std::int64_t index) -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < d.slices.size(); ++i)
      if (static_cast<std::int64_t>(d.slices[i].index) == index) return i;
    return std::nullopt;
  };
  const int height = y_of(d.slices.size()) + 18;
  std::string out = fmt::format(
      R"(<svg class="graph" viewBox="0 0 {} {}" role="img" aria-label="slices from input to output, coloured by mode">)", width,
      height);
  const int mid = left + box_w / 2;
  out += fmt::format(R"(<text class="end" x="{}" y="16">input</text>)", mid);
  for (std::size_t i = 0; i <= d.slices.size(); ++i) {  // the arrow into slice i, the last one into the output
    const int to = y_of(i), from = i == 0 ? 20 : to - gap;
    out += fmt::format(R"(<path class="arrow" d="M{0} {1}V{2}"></path><path class="head" d="M{3} {4}h8l-4 6z"></path>)", mid,
                       from, to - 6, mid - 4, to - 6);
  }
  int lane = 0;
  for (const Edge& e : d.edges) {  // tensors that skip over slices run beside the boxes
    const auto a = row_of(e.from), b = row_of(e.to);
    if (!a || !b || *b <= *a + 1) continue;
    const int x = left + box_w, bend = x + 16 + 8 * (lane++ % 6), y0 = y_of(*a) + box_h / 2 + 6, y1 = y_of(*b) + box_h / 2 - 6;
    out +=
        fmt::format(R"(<path class="skip" d="M{0} {1}H{2}V{3}H{0}"><title>{4}</title></path>)", x, y0, bend, y1, escape(e.name));
  }
  for (std::size_t i = 0; i < d.slices.size(); ++i) {
    const Slice& s = d.slices[i];
    std::string names;
    for (const std::string& op : s.operators) names += (names.empty() ? "" : ", ") + op;
    const int y = y_of(i), text_y = y + box_h / 2 + 4;
    out += fmt::format(R"(<g class="{}"><title>{}</title><rect x="{}" y="{}" width="{}" height="{}" rx="5"></rect>)",
                       mode_class(s.mode), escape(names), left, y, box_w, box_h);
    out +=
        fmt::format(R"(<text class="name" x="{}" y="{}">{} {}</text>)", left + 10, text_y, s.index, escape(shortened(names, 36)));
    out += fmt::format(R"(<text class="mode" x="{}" y="{}">{}</text></g>)", left + box_w - 10, text_y,
                       escape(shortened(s.mode, 14)));
  }
  out += fmt::format(R"(<text class="end" x="{}" y="{}">output</text></svg>)", mid, height - 4);
  return out;
}

std::string_view style() {
  static constexpr std::string_view kStyle =
#include "dsperse/report/style.inc"
      ;
  return kStyle;
}

}  // namespace dsperse::report
