import Plain
import Testing

@Suite("Patterns of names")
struct GlobTests {
  @Test(
    "Patterns match as a whole",
    arguments: [
      ("*", "", true), ("a*c", "abc", true), ("a*c", "ac", true), ("a*c", "acb", false),
      ("a?c", "abc", true), ("a?c", "ac", false), ("*a*b*", "xxaxxbxx", true), ("", "a", false),
      ("a,b*", "bc", true), ("a,b", "c", false), ("layer1.*", "layer1.0.conv1", true),
      ("**a", "aab", false), ("a**", "a", true),
    ])
  func globs(pattern: String, name: String, matches: Bool) {
    #expect(Glob(pattern).matches(name) == matches)
  }
}
