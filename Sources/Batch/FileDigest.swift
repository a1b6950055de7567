import Crypto
package import Files
import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The SHA-256 of what a path names, read so that nothing in it can hurt whoever reads: no file is mapped, and nothing is
/// waited for.
package struct FileDigest: Hashable, Sendable {
  /// The digest as lowercase hexadecimal text.
  package let sha256: String
  /// The number of bytes.
  package let count: Int
  /// What the file was.
  package let stamp: FileStamp
}

extension FileDigest {
  private static let pieceBytes = 1 << 20

  /// The digest of a regular file; `nil` where there is none that can be read, or where it changes meanwhile.
  package init?(path: String) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    stamp = FileStamp(status)
    var hash = SHA256()
    var total = 0
    let space = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(Self.pieceBytes, max(stamp.count, 1)), alignment: 16)
    defer { space.deallocate() }
    while total <= stamp.count {
      let count = pread(descriptor, space.baseAddress, space.count, off_t(total))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: space[..<count]))
      total += count
    }
    guard fstat(descriptor, &status) == 0, FileStamp(status) == stamp, total == stamp.count else {
      return nil
    }
    count = total
    sha256 = Self.text(hash.finalize())
  }

  /// The digest of a text.
  package static func sha256(of text: String) -> String {
    Self.text(SHA256.hash(data: Array(text.utf8)))
  }

  private static func text(_ digest: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
