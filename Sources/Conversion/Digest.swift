import Crypto
import Families
import Files
import Inference
import Synchronization
import Tensors
import Threads

/// The SHA-256 of the bytes of an opened file, as lowercase hexadecimal text.
func sha256(of file: MappedFile) -> String {
  var hash = SHA256()
  hash.update(file)
  return hash.finalize().hexadecimal
}

/// The SHA-256 of the files of a source, of several as if they were one after the other; `nil` without any.
func sha256(of files: [SourceFile]) -> String? {
  guard files.count > 1 else { return files.first.map { sha256(of: $0.file) } }
  var hash = SHA256()
  for source in files { hash.update(source.file) }
  return hash.finalize().hexadecimal
}

/// The digest of a file while somebody else finds out what is in it; at once where no thread can be started.
final class BackgroundDigest {
  private let result = Result()
  private var work: (file: MappedFile, thread: StartedThread)?

  private final class Result: Sendable {
    let text = Mutex<String?>(nil)
  }

  /// Begins with a file whose bytes are there.
  func begin(_ file: MappedFile) {
    let thread = StartedThread { [result] in
      let text = sha256(of: file)
      result.text.withLock { $0 = text }
    }
    work = thread.map { (file, $0) }
  }

  /// Waits for the digest of a source.
  func text(of files: [SourceFile]) -> String? {
    guard files.count == 1, let work, work.file === files[0].file else {
      return sha256(of: files)
    }
    work.thread.join()
    self.work = nil
    return result.text.withLock { $0 }
  }

  deinit { work?.thread.detach() }
}

/// The SHA-256 of images that come one after the other: of their float32 values, little-endian.
struct InputDigest {
  private var hash = SHA256()

  /// Adds the next images.
  mutating func add(_ input: Activation) {
    input.values.map(\.bitPattern.littleEndian).withUnsafeBytes { hash.update(bufferPointer: $0) }
  }

  /// The digest of all so far, as lowercase hexadecimal text.
  var text: String { hash.finalize().hexadecimal }
}

/// The digest of the bytes of an opened file by which it may have been published, as lowercase hexadecimal text.
func digest(of file: MappedFile, by algorithm: PublishedFile.Algorithm) -> String {
  func text<Function: HashFunction>(_ function: Function) -> String {
    var hash = function
    hash.update(file)
    return hash.finalize().hexadecimal
  }
  return switch algorithm {
  case .md5: text(Insecure.MD5())
  case .sha1: text(Insecure.SHA1())
  case .sha256: text(SHA256())
  }
}

extension HashFunction {
  /// Adds the bytes of a file.
  fileprivate mutating func update(_ file: MappedFile) {
    // In pieces, so that the pages can be given back: the file may be larger than the memory.
    let pieceSize = 8 << 20
    for start in stride(from: 0, to: file.count, by: pieceSize) {
      let range = start..<min(start + pieceSize, file.count)
      file.withUnsafeBytes { update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[range])) }
      if !file.isCopied { file.release(range) }
    }
  }
}

extension Sequence<UInt8> {
  fileprivate var hexadecimal: String {
    map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }
}
