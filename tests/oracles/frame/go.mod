module dockcred.test/frame

go 1.26.0
