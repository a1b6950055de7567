import Plain
import Testing

@Suite("Wishes about terminals")
struct TerminalWishesTests {
  @Test(
    "Colours are left out where the user wants none",
    arguments: [
      ([:], true), (["NO_COLOR": ""], true), (["NO_COLOR": "1"], false), (["CLICOLOR": "0"], false),
      (["CLICOLOR": "1"], true), (["TERM": "dumb"], false), (["TERM": "xterm"], true),
    ] as [([String: String], Bool)])
  func colours(_ environment: [String: String], _ allowed: Bool) {
    #expect(TerminalWishes { environment[$0] }.allowsColours == allowed)
  }

  @Test("A dumb terminal shows no line twice", arguments: [("dumb", false), ("xterm", true)])
  func redrawing(_ terminal: String, _ allowed: Bool) {
    #expect(TerminalWishes { $0 == "TERM" ? terminal : nil }.allowsRedrawing == allowed)
  }
}
