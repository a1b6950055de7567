#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The program that runs.
package enum RunningProgram {
  /// Its path, as the system knows it; `nil` where it does not say: what a program was called by may lead anywhere.
  package static var path: String? {
    #if os(Linux)
      let path = [CChar](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, count in
        guard let start = buffer.baseAddress else { return }
        count = max(readlink("/proc/self/exe", start, buffer.count), 0)
      }
    #else
      var size = UInt32(PATH_MAX)
      var path = [CChar](repeating: 0, count: Int(size))
      guard _NSGetExecutablePath(&path, &size) == 0 else { return nil }
      path = Array(path.prefix { $0 != 0 })
    #endif
    let text = String(decoding: path.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return text.hasPrefix("/") ? text : nil
  }

  /// The folder that it is in.
  package static var folder: String? {
    guard let path, let slash = path.lastIndex(of: "/") else { return nil }
    return String(path[..<slash])
  }
}
