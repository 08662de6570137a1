// The team of threads: every part of every job is done once, whoever calls and however often.
#include <chrono>

#include "check.h"
#include "core/team.h"

namespace bcssl::check {
namespace {

/** Makes calls that follow each other at once, and some after the helpers have gone to sleep. */
void call_often(const Team& team, Random& random, int calls) {
  for (int call = 0; call < calls; ++call) {
    const Index parts = static_cast<Index>((random.next() + 1) * 10);
    std::vector<int> visits(parts);  // written by the helpers; what they wrote must be visible here
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
  static const Team* const teams[] = {new Team(1), new Team(2), new Team(5)};  // their threads never end
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
