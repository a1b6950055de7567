import FoundationEssentials
import TestSupport
import Testing

@Suite("What a run says")
struct RunTests {
  @Test("An output with values that are not finite is said to be one")
  func infinities() async throws {
    let broken = Fixture.path("keras/broken/nan.h5")
    let text = try await Program.run(["run", broken])
    #expect(text.status == 0)
    let said = "of the output's 10 values 10 are not finite: infinite, or NaN"
    #expect(text.output.contains("note: \(said)\n"), "\(text.output)")
    let json = try await Program.run(["run", broken, "--json"])
    #expect(json.output.contains(said), "\(json.output)")
    let right = try await Program.run(["run", Fixture.path("keras/narrow.h5")])
    #expect(right.status == 0 && !right.output.contains("finite"))
  }
}
