// Paths are taken apart byte by byte, as the system does it: a slash with an accent is one character, and no "/".

extension String {
  /// The folder of a path with its slash, empty where none is named, and the name in it.
  package var folderAndName: (folder: String, name: String) {
    guard let slash = utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", self) }
    let end = utf8.index(after: slash)
    return (String(self[..<end]), String(self[end...]))
  }

  /// The last name of a path; slashes behind it are passed over.
  package var lastName: String {
    utf8.split(separator: UInt8(ascii: "/")).last.map { String(Substring($0)) } ?? self
  }

  /// Whether this is the name of a file in some folder, and no way out of it.
  ///
  /// A container that names the files beside it is read by such names only.
  package var isFileName: Bool {
    let forbidden = "/\\\0".utf8
    return !isEmpty && self != "." && self != ".." && !utf8.contains { forbidden.contains($0) }
  }
}
