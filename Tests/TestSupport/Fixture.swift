import FoundationEssentials

/// Files that the tests read, and places where they may write.
package enum Fixture {
  /// The path of a committed fixture, such as `keras/narrow.weights.h5`.
  package static func path(_ name: String, from file: String = #filePath) -> String {
    root(of: file) + "/Fixtures/" + name
  }

  /// The path of a page of the documentation.
  package static func document(_ name: String, from file: String = #filePath) -> String {
    root(of: file) + "/docs/" + name
  }

  /// The bytes of a committed fixture.
  package static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: path(name))))
  }

  /// The text of any file of the repository, such as `README.md`.
  package static func text(_ name: String, from file: String = #filePath) throws -> String {
    try String(contentsOf: URL(filePath: root(of: file) + "/" + name), encoding: .utf8)
  }

  private static func root(of file: String) -> String {
    var url = URL(filePath: file)
    while url.lastPathComponent != "Tests" { url.deleteLastPathComponent() }
    return url.deletingLastPathComponent().path(percentEncoded: false)
      .trimmingSuffix("/")
  }
}

/// A new folder for the duration of a test.
package final class TemporaryFolder: Sendable {
  /// The folder's path.
  package let path: String

  package init() throws {
    let url = FileManager.default.temporaryDirectory
      .appending(path: "rnw-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path(percentEncoded: false).trimmingSuffix("/")
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The path of a file in the folder.
  package func file(_ name: String) -> String { path + "/" + name }

  /// Writes a file into the folder and returns its path.
  package func write(_ bytes: [UInt8], to name: String) throws -> String {
    try Data(bytes).write(to: URL(filePath: file(name)))
    return file(name)
  }

  /// The bytes of a file in the folder.
  package func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: file(name))))
  }

  /// Removes what is in the folder under a name.
  package func remove(_ name: String) throws {
    try FileManager.default.removeItem(atPath: file(name))
  }

  /// Makes a folder in the folder.
  package func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(
      at: URL(filePath: file(name)), withIntermediateDirectories: true)
  }
}

extension String {
  fileprivate func trimmingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}
