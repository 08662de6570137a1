// Checks the team of threads: every part of every job is done exactly once, also with frequent
// calls from several threads.
#include <chrono>

#include "check.h"
#include "core/team.h"

namespace bcssl::check {
namespace {

/**
 * Makes many calls, mostly without a pause, and some after the helper threads have gone to sleep.
 */
void call_often(const Team& team, Random& random, int calls) {
  for (int call = 0; call < calls; ++call) {
    const Index parts = static_cast<Index>((random.next() + 1) * 10);
    std::vector<int> visits(parts);  // written by helpers, read here: checks memory ordering
    team.run(parts, [&](Index part) { ++visits[part]; });
    for (Index part = 0; part < parts; ++part) {
      if (visits[part] == 1) continue;
      std::printf("part %ld of %ld was done %d times\n", long(part), long(parts), visits[part]);
      ++failures;
      return;
    }
    if (call % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace

void check_team() {
  // never deleted, since their threads never end
  static const Team* const teams[] = {new Team(1), new Team(2), new Team(5)};
  for (const Team* const each : teams) {
    const Team& team = *each;
    Random random(7);
    call_often(team, random, 4000);
    std::thread other([&] {
      Random own(8);
      call_often(team, own, 2000);
    });
    call_often(team, random, 2000);
    other.join();
  }
}

}  // namespace bcssl::check
