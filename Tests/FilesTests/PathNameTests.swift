import Files
import Testing

@Suite("Names of paths")
struct PathNameTests {
  @Test(
    "A path is taken apart at its slashes, whatever accents follow them",
    arguments: [
      ("a", "", "a"), ("a/b", "a/", "b"), ("/b", "/", "b"), ("a/b/", "a/b/", ""), ("", "", ""),
      ("a/\u{301}b", "a/", "\u{301}b"), ("é/b\u{301}", "é/", "b\u{301}"),
    ])
  func parts(_ path: String, _ folder: String, _ name: String) {
    let parts = path.folderAndName
    #expect(Array(parts.folder.utf8) == Array(folder.utf8))
    #expect(Array(parts.name.utf8) == Array(name.utf8))
  }

  @Test("The last name passes over slashes behind it")
  func lastName() {
    #expect(["a/b", "a/b/", "b", "/b//"].map(\.lastName) == ["b", "b", "b", "b"])
    #expect("a/\u{301}b".lastName == "\u{301}b")
    #expect("/".lastName == "/" && "".lastName == "")
  }

  @Test(
    "No name of a file leads out of its folder",
    arguments: [
      "", ".", "..", "/", "a/b", "../a", "a/", "a\\b", "a\0", "../\u{301}a", "/\u{301}",
      "\0\u{301}",
    ])
  func isNoFileName(_ name: String) {
    #expect(!name.isFileName)
  }

  @Test("Any other is a name of a file", arguments: ["a", "...", "a.b", "é", "\u{301}a"])
  func isFileName(_ name: String) {
    #expect(name.isFileName)
  }
}
