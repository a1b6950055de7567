#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the tool is and what it runs on.
package enum Tool {
  /// The version, as written into files and reports.
  package static let version = "0.1.0"

  /// The number of processors that this process may use.
  package static let coreCount: Int = {
    #if os(Linux)
      var mask = cpu_set_t()
      if sched_getaffinity(0, MemoryLayout<cpu_set_t>.size, &mask) == 0 {
        let count = withUnsafeBytes(of: mask) { $0.reduce(0) { $0 + $1.nonzeroBitCount } }
        if count > 0 { return count }
      }
    #endif
    return max(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1)
  }()
}
