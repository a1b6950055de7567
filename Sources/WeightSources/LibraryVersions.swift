import CZlib
package import Files

/// The versions of the libraries that files are read by.
package enum LibraryVersions {
  /// Of zlib, which inflates members of archives.
  package static var zlib: String { String(cString: zlibVersion()) }

  /// Of libhdf5, and the path of the program that it runs in.
  ///
  /// - Throws: `InputError` where the program is not there or does not run.
  package static func hdf5() throws(InputError) -> (version: String, program: String) {
    do {
      return try HDF5Child.libraryVersion()
    } catch let error as InputError {
      throw error
    } catch {
      throw InputError(.unreadable, path: "rnw-hdf5", "\(error)")
    }
  }
}
