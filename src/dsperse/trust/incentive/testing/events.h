// Accounts and random events for the tests of money. Not for product code.
#pragma once

#include <random>

#include "dsperse/trust/incentive/escrow_contract.h"

namespace dsperse::trust::incentive {

constexpr Digest account(std::uint8_t n) {
  Digest d{};
  d[0] = n;
  return d;
}

/// Any event over a few accounts and receipts; most are impossible where they come.
inline MoneyEvent random_event(std::mt19937_64& random) {
  const auto who = [&] { return account(static_cast<std::uint8_t>(1 + random() % 4)); };
  const auto receipt = [&] { return account(static_cast<std::uint8_t>(100 + random() % 12)); };
  const std::uint64_t amount = random() % 8 == 0 ? random() >> (random() % 64) : random() % 40;
  switch (random() % 14) {
    case 0:
      return Mint{who(), amount};
    case 1:
      return Bond{who(), amount};
    case 2:
      return Unbond{who(), amount};
    case 3:
    case 4:
      return Lock{receipt(), who(), who(), amount, random() % 100};
    case 5:
    case 6:
      return Drawn{receipt(), random() % 2 == 0};
    case 7:
      return AuditPassed{receipt()};
    case 8:
      return Challenged{receipt(), who(), amount};
    case 9:
      return Dismissed{receipt()};
    case 10:
    case 11:
      return Release{receipt(), random() % 150};
    case 12:
      return random() % 4 == 0 ? MoneyEvent{Refund{receipt()}} : MoneyEvent{Drawn{receipt(), false}};
    default:
      return Slash{receipt(), who(), account(200), amount};
  }
}

}  // namespace dsperse::trust::incentive
